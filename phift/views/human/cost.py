"""The Cost block of a plan.

Cost (prices of 2026-11-20, eastus, pay as you go, USD)
  job.finetune     2.1 h (1.8 to 2.5) x 1 Standard_NC24ads_A100_v4 at 3.67/h  7.71
                   # 9,800 tokens/s in 3 earlier jobs
  deployment.main  1 x Standard_NC24ads_A100_v4 at 3.67/h                     2,679 a month until destroyed
  apply about 8; afterwards 2,679 a month (now 0, +2,679)
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from phift.plan.action import Purpose
from phift.plan.cost import CURRENCY, Cost, CostLine, Range
from phift.views.base import PLAIN, Style
from phift.views.human.values import table

__all__ = ["Row", "hours", "money", "per_hour", "render", "rows", "title", "totals"]

UNKNOWN = "unknown"
_UNDATED = "undated"
_PARTS = {"rollout": "rollout", "other_steps": "other steps"}
_SOURCES = {
    "spec": "price of the spec",
    "retail": "price of the Retail Prices API",
    "catalogue": "list price of the catalogue",
}
"""Sources that are mentioned; the workspace is the usual one."""


class Row(NamedTuple):
    """what: the calculation. basis: where the numbers come from."""

    label: str
    what: str
    amount: str
    basis: str


def render(cost: Cost, purpose: Purpose = Purpose.APPLY, style: Style = PLAIN) -> str:
    """Return the block. On a terminal that is too narrow for its columns, amounts stand below what they are of."""
    shown = list(rows(cost))
    lines = [style.bold(title(cost))]
    indent = " " * (4 + max((len(r.label) for r in shown), default=0))
    for row, drawn in zip(shown, _drawn(shown, indent, style), strict=True):
        lines += drawn
        if row.basis and len(drawn[-1]) + 4 + len(row.basis) <= style.width:
            lines[-1] += style.dim(f"  # {row.basis}")
        elif row.basis:
            wrapped = textwrap.wrap(
                f"# {row.basis}", style.width, initial_indent=indent, subsequent_indent=f"{indent}# "
            )
            lines += [style.dim(text) for text in wrapped]
    lines += textwrap.wrap(totals(cost, purpose), style.width, initial_indent="  ", subsequent_indent="  ")
    lines += [style.dim(text) for note in cost.notes for text in _note(note, style.width)]
    return "\n".join(lines)


def _drawn(shown: Sequence[Row], indent: str, style: Style) -> Iterator[list[str]]:
    """Yield the lines of each row without its basis."""
    drawn = table([(r.label, r.what, r.amount) for r in shown], indent="  ")
    if style.whole or all(len(line) <= style.width for line in drawn):
        yield from ([line] for line in drawn)
        return
    for row in shown:
        label = f"  {row.label}".ljust(len(indent))
        yield [
            *textwrap.wrap(row.what, style.width, initial_indent=label, subsequent_indent=indent),
            f"{indent}= {row.amount}",
        ]


def title(cost: Cost) -> str:
    """Return `Cost (prices of 2026-11-20, eastus, pay as you go, USD)`."""
    if not cost.lines:
        return "Cost"
    priced = [line.price for line in cost.lines if line.price.usd_per_hour is not None]
    known = {price.as_of for price in priced}
    dates = sorted(known - {"", _UNDATED})
    when = f"prices of {' and '.join(dates)}" if dates else "undated prices" if known else "no prices"
    if priced and all(price.source == "spec" for price in priced):
        when = "prices of the spec"
    if dates and _UNDATED in known:
        when += ", some undated"
    return f"Cost ({when}, {cost.region}, pay as you go, {CURRENCY})"


def rows(cost: Cost) -> Iterator[Row]:
    """Yield a row for each line."""
    for line in cost.lines:
        label = _PARTS.get(line.part, str(line.address))
        yield Row(label, _what(line, cost.region), _amount(line), _basis(line))


def totals(cost: Cost, purpose: Purpose = Purpose.APPLY) -> str:
    """Return the sums on one line."""
    said = []
    once, now, after = cost.once, cost.per_month_now, cost.per_month
    if any(not line.continuous for line in cost.lines):
        known = once.middle or not cost.unknown_once
        said.append(f"apply about {money(once.middle)}" if known else "apply unknown")
    if any(line.continuous for line in cost.lines):
        up_to = f"up to {month(cost.per_month_most)} after scale-out, " if cost.scales else ""
        change = f", {after - now:+,.0f}" if round(after - now) else ""
        word = "afterwards" if said or purpose is Purpose.DESTROY else "after the apply"
        said.append(f"{word} {month(after)} a month ({up_to}now {month(now)}{change})")
    unknown = tuple(dict.fromkeys((*cost.unknown_once, *cost.unknown_monthly)))
    if unknown:
        said.append(f"not included (unknown): {', '.join(unknown)}")
    return "; ".join(said)


def money(amount: float) -> str:
    """Return an amount for people: cents only below 5."""
    return f"{amount:,.0f}" if amount >= 5 else f"{amount:.2f}"


def month(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 5 or not amount else f"{amount:.2f}"


def per_hour(rate: float | None) -> str:
    """Return `3.67/h`, or that it is unknown."""
    if rate is None:
        return "an unknown price"
    return f"{rate:,.2f}/h" if rate >= 0.1 else f"{rate:.3g}/h"


def hours(value: Range) -> str:
    """Return `2.1 h (1.8 to 2.5)`, or minutes below an hour."""
    unit, factor = ("h", 1.0) if value.middle >= 1 else ("min", 60.0)
    digits = 1 if unit == "h" and value.high < 100 else 0
    low, middle, high = (f"{number * factor:,.{digits}f}" for number in (value.low, value.middle, value.high))
    return f"{middle} {unit}" if low == high else f"{middle} {unit} ({low} to {high})"


def _what(line: CostLine, region: str) -> str:
    size = line.size or "a node of unknown size"
    if line.tier != "dedicated":
        size += f" ({line.tier.replace('_', ' ')})"
    if line.region and line.region.lower() != region.lower():
        size += f" in {line.region}"
    price = per_hour(line.price.usd_per_hour)
    if line.part == "rollout":
        return line.basis
    if line.continuous:
        count = line.now if line.stops else line.nodes
        most = f" to {line.most}" if line.most is not None and line.most > line.nodes else ""
        return f"{count}{most} x {size} at {price}"
    if line.hours is None or not line.hours.high:
        return f"{line.nodes} x {size} at {price}"
    if line.nodes == 1:
        return f"{hours(line.hours)} x 1 {size} at {price}"
    return f"{hours(line.hours)} node time, {line.nodes} x {size} at {price}"


def _amount(line: CostLine) -> str:
    if not line.continuous:
        once = line.once
        return UNKNOWN if once is None else f"{once.middle:,.2f}"
    after, now = line.monthly(line.nodes), line.monthly(line.now or 0)
    if line.stops:
        return f"stops billing {UNKNOWN if now is None else month(now)} a month"
    if after is None:
        return f"{UNKNOWN} a month"
    if line.now and line.now != line.nodes and now is not None:
        return f"{month(after)} a month (now {month(now)})"
    return f"{month(after)} a month until destroyed" if line.nodes else "0 a month while idle"


def _basis(line: CostLine) -> str:
    source = _SOURCES.get(line.price.source, "")
    if source and line.price.source == "catalogue":
        source += " (undated)" if line.price.as_of == _UNDATED else f" of {line.price.as_of}"
    return "; ".join(filter(None, ["" if line.part == "rollout" else line.basis, source]))


def _note(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  # ", subsequent_indent="  # ")
