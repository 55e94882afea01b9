"""`phift prices`: the price of each VM size, and its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phift.plan.cost import CURRENCY
from phift.views.base import PLAIN, Style
from phift.views.human.values import table

if TYPE_CHECKING:
    from phift.phases.read_prices import PriceRow, Prices

__all__ = ["render"]

_SOURCES = {
    "spec": "prices of the spec",
    "workspace": "estimate of the workspace",
    "retail": "Retail Prices API",
    "catalogue": "catalogue of phift",
}


def render(found: Prices, *, style: Style = PLAIN) -> str:
    """Return a line per size and tier; a star marks those that the spec uses."""
    if found.local:
        return "Target local: nothing is billed."
    if not found.rows:
        return "The spec uses no VM sizes."
    rows = [("", "SIZE", "TIER", "REGION", f"{CURRENCY} AN HOUR", "SOURCE", "AS OF"), *map(_row, found.rows)]
    drawn = table(rows)
    return "\n".join(
        [style.dim(drawn[0]), *drawn[1:], "", "* used by the spec. List prices: your agreement may differ."]
    )


def _row(row: PriceRow) -> tuple[str, ...]:
    rate, listed = row.price.usd_per_hour, row.price.listed
    source = _SOURCES.get(row.price.source, "-")
    return (
        "*" if row.used else "",
        row.size,
        row.tier.replace("_", " "),
        row.region,
        "unknown" if rate is None else _exact(rate),
        source if listed is None else f"{source} (listed: {_exact(listed)})",
        row.price.as_of or "-",
    )


def _exact(rate: float) -> str:
    return f"{rate:,.4f}".rstrip("0").removesuffix(".")
