"""`phift import`: the file that it wrote, and what its author should know."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from phift.inert import inert
from phift.views.base import PLAIN, Style
from phift.views.human.values import note

if TYPE_CHECKING:
    from phift.phases import ImportedSpec

__all__ = ["notes", "render"]


def render(path: Path, found: ImportedSpec, *, style: Style = PLAIN) -> str:
    """Return which files were written, and the next command."""
    lock = " and phift.lock" if found.locked else ""
    return f"Wrote {inert(str(path))}{lock}.\n{found.remark}\nNext: {style.bold(f'phift plan {inert(str(path))}')}"


def notes(found: ImportedSpec, *, style: Style = PLAIN) -> str:
    """Return the notes, one paragraph each."""
    return "\n".join(note(text, style) for text in found.notes)
