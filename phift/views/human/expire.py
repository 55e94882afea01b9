"""`phift expire` and the list of what is billed while nobody watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from phift.inert import inert
from phift.views.base import PLAIN, Style
from phift.views.human.errors import render as render_error
from phift.views.human.values import table

if TYPE_CHECKING:
    from phift.phases import Expiring, WatchedStack

__all__ = ["failed", "heading", "unwatched"]


def heading(one: Expiring, *, style: Style = PLAIN) -> str:
    """Return the line above the plan of one of several stacks."""
    return f"{style.bold(f'# stack {inert(one.stack)}')} ({inert(str(one.request.path))})\n"


def failed(one: Expiring, *, style: Style = PLAIN) -> str:
    """Return the error of a stack that could not be planned."""
    if one.error is None:
        return ""
    return f"{style.bold(f'# {inert(one.stack)}')}\n{render_error(one.error, style=style)}"


def unwatched(stacks: Sequence[WatchedStack], *, style: Style = PLAIN) -> str:
    """Return a line for each object that is billed while nobody watches, with its price; empty without any."""
    rows = [("STACK", "RESOURCE", "WHAT", "USD/H", "REASON")]
    for stack in stacks:
        for item in stack.items:
            said = "unknown" if item.usd_per_hour is None else f"{item.usd_per_hour:.2f}"
            rows.append((stack.stack, str(item.address), item.what, said, item.reason))
    rows += [(one.stack, "-", "not read", "unknown", inert(one.error.summary)) for one in stacks if one.error]
    if len(rows) == 1:
        return ""
    drawn = table(rows)
    lines = ["Billed while nobody watches:", "", style.dim(drawn[0]), *drawn[1:]]
    if any(item.due for stack in stacks for item in stack.items):
        lines += ["", "To cancel and delete what is overdue, run `phift expire SPEC`."]
    return "\n".join(lines)
