"""`phift expire` and the list of what is billed while nobody watches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from phift.inert import inert
from phift.plan.cost import HOURS_A_MONTH
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
    """Return a line for each object that is billed while nobody watches, with its price, and the sum; a sentence if
    there is none."""
    rows = [("STACK", "RESOURCE", "WHAT", "USD/H", "REASON")]
    for stack in stacks:
        for item in stack.items:
            said = "-" if stack.local else "unknown" if item.usd_per_hour is None else f"{item.usd_per_hour:,.2f}"
            rows.append((stack.stack, str(item.address), item.what, said, item.reason))
    rows += [(one.stack, "-", "not read", "unknown", inert(one.error.summary)) for one in stacks if one.error]
    if len(rows) == 1:
        return (
            "No job is overdue, no old deployment or orphaned setting is left, and every cluster scales down to zero."
        )
    drawn = table(rows, width=0 if style.whole else style.width)
    lines = ["Billed while nobody watches:", "", style.dim(drawn[0]), *drawn[1:]]
    if total := sum(item.usd_per_hour or 0.0 for stack in stacks for item in stack.items):
        lines += ["", f"Together {total:,.2f} USD an hour, {total * HOURS_A_MONTH:,.0f} a month if nothing changes."]
    if any(item.due for stack in stacks for item in stack.items):
        lines += ["", "To cancel and delete what is overdue, run `phift expire SPEC`."]
    return "\n".join(lines)
