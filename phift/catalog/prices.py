"""Dated list prices of VM sizes: what phift falls back to if neither the workspace nor the Retail Prices API answers.

US dollars an hour of one node: Linux, dedicated, pay as you go. Most rows come from lists without a date. Prices of low
priority have no dated source, so none is listed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache

from phift.catalog.files import DATA
from phift.workspace import region_name

__all__ = ["ListPrice", "list_price", "list_prices"]

_UNDATED = "undated"


@dataclass(frozen=True)
class ListPrice:
    """A price in US dollars an hour. source: where it was read. as_of: None if the source has no date."""

    size: str
    region: str
    usd_per_hour: float
    source: str
    as_of: date | None


@cache
def list_prices() -> tuple[ListPrice, ...]:
    """Return all rows, in file order."""
    with (DATA / "prices.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(
            ListPrice(
                row["size"],
                row["region"],
                float(row["usd_per_hour"]),
                row["source"],
                None if row["as_of"] == _UNDATED else date.fromisoformat(row["as_of"]),
            )
            for row in csv.DictReader(stream)
        )


@cache
def _by_place() -> dict[tuple[str, str], ListPrice]:
    return {(row.size.lower(), row.region): row for row in list_prices()}


def list_price(size: str, region: str) -> ListPrice | None:
    """Return the row of a size (case-insensitive) in a region such as `eastus`, or None."""
    return _by_place().get((size.lower(), region_name(region)))
