"""The pages of the emulator have generated tables: each stands between two marks; UPDATE_GOLDEN=1 writes it."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["page_with", "require_table"]

_PAGES = sorted((Path(__file__).resolve().parents[2] / "docs").glob("emulator*.md"))


def page_with(text: str) -> Path:
    """The page that contains a text. Raises AssertionError if there is none, or several."""
    found = [page for page in _PAGES if text in page.read_text(encoding="utf-8")]
    assert len(found) == 1, f"{text!r} is in {len(found)} pages of the emulator"
    return found[0]


def require_table(begin: str, end: str, lines: list[str]) -> None:
    """Raises AssertionError when what stands between the marks is not these lines, or a mark is missing."""
    page = page_with(begin)
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    inside, found, tail = rest.partition(end)
    assert found, f"{page.name} lacks {end}"
    wanted = "\n\n" + "\n".join(lines) + "\n\n"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(f"{head}{begin}{wanted}{end}{tail}", encoding="utf-8")
        return
    assert inside == wanted
