"""The generated files of the docs: `python -m docs.generate` writes the pages, `make recording` the recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

__all__ = ["GENERATED", "ROOT"]

ROOT = Path(__file__).resolve().parents[2]


def _page(module: str) -> Callable[[], str]:
    def text() -> str:
        return str(import_module(f"docs.generate.{module}").page())

    return text


GENERATED: Mapping[str, Callable[[], str]] = {
    "docs/reference/spec.md": _page("spec"),
    "docs/reference/cli.md": _page("commands"),
    "docs/reference/kinds.md": _page("kinds"),
    "docs/reference/exit-codes.md": _page("exits"),
}
"""The generated pages, and what returns their content."""
