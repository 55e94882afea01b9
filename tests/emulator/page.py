"""docs/emulator.md has tables that are generated: each stands between two marks, and UPDATE_GOLDEN=1 writes it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["PAGE", "require_table"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "emulator.md"


def require_table(begin: str, end: str, lines: list[str]) -> None:
    """Raises AssertionError when what stands between the marks is not these lines, or a mark is missing."""
    text = PAGE.read_text(encoding="utf-8")
    head, found, rest = text.partition(begin)
    assert found, f"{PAGE.name} lacks {begin}"
    inside, found, tail = rest.partition(end)
    assert found, f"{PAGE.name} lacks {end}"
    wanted = "\n\n" + "\n".join(lines) + "\n\n"
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{head}{begin}{wanted}{end}{tail}", encoding="utf-8")
        return
    assert inside == wanted
