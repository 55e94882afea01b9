"""`phift status`: what of the stack is in the workspace now."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from phift.views.base import PLAIN, Style
from phift.views.human.values import cut, table, value

if TYPE_CHECKING:
    from phift.phases import Status

__all__ = ["render"]

GOOD = {"succeeded", "completed", "active", "ready", "steady", "running"}
BAD = {"failed", "canceled", "missing"}


def render(status: Status, *, style: Style = PLAIN) -> str:
    """A line a resource, its details below it, notes last."""
    lines = [f"Stack {style.bold(status.stack)} in workspace {style.bold(status.workspace)}", ""]
    rows = [("RESOURCE", "NAME", "STATE"), *((str(r.address), r.identity or "-", r.state) for r in status.rows)]
    drawn = table(rows)
    lines.append(style.dim(drawn[0]))
    for row, line in zip(status.rows, drawn[1:], strict=True):
        word = row.state.lower()
        paint = style.green if word in GOOD else style.red if word in BAD else str
        lines.append(line[: len(line) - len(row.state)] + paint(row.state) if row.state else line)
        for name, said in row.details.items():
            text = said if isinstance(said, str) else value(said)
            lines.append(style.dim(cut(f"  {name}: {text}", style.width)))
    for note in status.notes:
        lines += ["", textwrap.fill(note, style.width)]
    return "\n".join(lines)
