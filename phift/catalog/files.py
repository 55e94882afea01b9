"""Read the catalogue files shipped with the package."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["DATA", "names_in", "read_facts", "read_lines"]

DATA = Path(__file__).parent / "data"
"""The folder of the catalogue files."""


@cache
def names_in(folder: str) -> dict[str, str]:
    """Return the names of the files in data/{folder} by their lower-case form, sorted."""
    return {path.stem.lower(): path.stem for path in sorted((DATA / folder).glob("*.yaml"))}


def read_facts(file: str) -> dict[str, Any]:
    """Return the parsed content of data/{file}, using libyaml if PyYAML has it."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    facts: dict[str, Any] = yaml.load((DATA / file).read_bytes(), loader)
    return facts


def read_lines(file: str, *, containing: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of a list in data/{file} whose line contains a text (in lower case). Each is one line."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for line in (DATA / file).read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("- {") and containing in line.lower():
            yield from yaml.load(line.strip(), loader)
