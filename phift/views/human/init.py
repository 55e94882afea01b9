"""`phift init`: what was recognised and written, and the next command."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from phift.kinds.words import plural
from phift.views.base import PLAIN, Style
from phift.views.human.values import note

if TYPE_CHECKING:
    from phift.phases import Initialized

__all__ = ["render"]


def render(done: Initialized, *, style: Style = PLAIN) -> str:
    """Return the result for people."""
    left = max((len(f"data.{split}") for split in done.found), default=0) + 2
    lines = [
        _wrapped(f"{f'data.{split}'.ljust(left)}{path}: {plural(rows, 'row')}, {what}", style, left)
        for split, (path, rows, what) in done.found.items()
    ]
    lines += [note(text, style) for text in done.notes]
    lines += [""] if lines else []
    lines.append(_wrapped(f"Wrote {', '.join(str(path) for path in done.written)}.", style, 6))
    spec = "" if done.spec == Path("phift.yaml") else f" {done.spec}"
    commands = {f"phift plan{spec}": "show the changes", f"phift apply{spec}": "apply them on this machine"}
    wide = max(map(len, commands))
    lines += ["", style.bold("Next"), *(f"  {command.ljust(wide)}  {what}" for command, what in commands.items())]
    return "\n".join(lines)


def _wrapped(text: str, style: Style, indent: int) -> str:
    return textwrap.fill(text, style.width, subsequent_indent=" " * indent, break_on_hyphens=False)
