"""`phift status`: the current state of the stack."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phift.kinds.registry import KINDS
from phift.kinds.words import StatusText
from phift.plan.cost import HOURS_A_MONTH
from phift.views.base import PLAIN, Style
from phift.views.human.values import table, value

if TYPE_CHECKING:
    from phift.cost.running import Running
    from phift.phases import Status, StatusRow

__all__ = ["render"]

GOOD = {"succeeded", "completed", "active", "ready", "steady", "running"}
BAD = {"failed", "canceled", "missing", "notresponding"}


def render(status: Status, *, style: Style = PLAIN) -> str:
    """Return a line per resource with its main facts below, then notes, then commands.

    Commands are never wrapped, so that they can be copied.
    """
    lines = [f"Stack {style.bold(status.stack)} in workspace {style.bold(status.workspace)}", ""]
    rows = [("RESOURCE", "NAME", "STATE"), *((r.address, r.identity or "-", r.state) for r in status.rows)]
    drawn = table(rows)
    below = " " * (max(len(address) for address, _, _ in rows) + 2)
    shares = {k.lower(): v for r in status.rows for k, v in (r.details.get("traffic") or {}).items()}
    lines.append(style.dim(drawn[0]))
    for row, line in zip(status.rows, drawn[1:], strict=True):
        word = row.state.lower()
        paint = style.green if word in GOOD else style.red if word in BAD else str
        lines.append(line[: len(line) - len(row.state)] + paint(row.state) if row.state else line)
        lines += [style.dim(below + said) for said in _details(row, shares, style, len(below))]
        if row.bills:
            lines.append(style.dim(below + style.cut(_bills(row.bills), style.width - len(below))))
    if status.billed:
        lines += ["", f"{style.bold('Billed now:')} {_total(status)}"]
    for note in status.notes:
        lines += ["", textwrap.fill(note, style.width, break_long_words=False)]
    if status.commands:
        lines += ["", style.bold("Try")]
        for command in status.commands:
            lines += [command, ""]
        lines.pop()
    return "\n".join(lines)


def _bills(running: Running) -> str:
    """`bills 1 x Standard_NC24ads_A100_v4: 3.67 USD an hour`."""
    rate = running.usd_per_hour
    said = "at an unknown price" if rate is None else f"{rate:,.2f} USD an hour"
    return f"bills {running.nodes} x {running.size}: {said}" if running.nodes else "bills no nodes now"


def _total(status: Status) -> str:
    rate = status.usd_per_hour
    unknown = [row.address for row in status.rows if row.bills and row.bills.usd_per_hour is None]
    said = f"{rate:,.2f} USD an hour, {rate * HOURS_A_MONTH:,.0f} a month if nothing changes"
    return f"{said}; not included (unknown price): {', '.join(unknown)}" if unknown else said


def _details(row: StatusRow, shares: Mapping[str, Any], style: Style, indent: int) -> list[str]:
    """What people ask of this kind; `--format json` has everything."""
    text = StatusText(row.identity, dict(row.details), shares, missing=row.state == "missing")
    lines = KINDS[row.address.partition(".")[0]].status(text)
    rest = [
        style.cut(f"{name}: {item if isinstance(item, str) else value(item)}", style.width - indent)
        for name, item in text.facts.items()
    ]
    return [line for line in (*lines, *rest) if line]
