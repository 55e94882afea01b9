"""The Retail Prices API: public, without a token. Asked only for sizes that the workspace has no price for.

Rows are matched by `armSkuName`: the spelling of meters cannot be derived from a size. A failure of any kind means that
the price is unknown, never a failed command.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from phift.azure.session import Azure
from phift.azure.transport import with_query
from phift.cost.prices import PriceBook
from phift.errors import AzureError
from phift.kinds.charge import DEDICATED, LOW_PRIORITY
from phift.plan.cost import CURRENCY
from phift.spec import LoadedSpec
from phift.state.facts import Facts
from phift.workspace import region_name

__all__ = ["DEFAULT_URL", "URL_VARIABLE", "asking", "book_of", "retail_prices"]

URL_VARIABLE = "PHIFT_PRICES_URL"
"""Environment variable: another address of the API, such as that of a sovereign cloud; `off` never asks."""

DEFAULT_URL = "https://prices.azure.com/api/retail/prices"
_VERSION = "2023-01-01-preview"
_OFF = "off"
_SECONDS = 3.0
"""Timeout of each answer."""
_PAGES = 5
"""Maximum pages: the rows of one size in one region fit on the first."""
_LOW = " Low Priority"
_SPOT = " Spot"


def asking(azure: Azure, environ: Mapping[str, str] = os.environ) -> str:
    """Return the address to ask, or "" to ask nobody: on target local nothing is billed."""
    address = environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL
    return "" if azure.local or address.lower() == _OFF else address


def retail_prices(azure: Azure, address: str, size: str, region: str) -> dict[str, float]:
    """Return the prices of a size in a region by tier, in US dollars an hour; empty if they are unknown."""
    try:
        return _prices(_rows(azure, address, size, region))
    except (AzureError, ValueError, TypeError, AttributeError):
        return {}


def book_of(loaded: LoadedSpec, facts: Facts, azure: Azure) -> PriceBook:
    """Return the prices for a spec: asks the Retail Prices API where the environment allows it."""
    address = asking(azure)
    ask = (lambda size, region: retail_prices(azure, address, size, region)) if address else None
    return PriceBook(facts, loaded.spec.prices, ask)


def _rows(azure: Azure, address: str, size: str, region: str) -> Iterator[Mapping[str, Any]]:
    wanted = {
        "serviceName": "Virtual Machines",
        "armSkuName": size,
        "armRegionName": region_name(region),
        "priceType": "Consumption",
    }
    condition = " and ".join(f"{name} eq '{_quoted(text)}'" for name, text in wanted.items())
    query = {"api-version": _VERSION, "currencyCode": f"'{CURRENCY}'", "$filter": condition}
    url = with_query(address, query)
    for _ in range(_PAGES):
        page = json.loads(azure.fetch_public(url, timeout=_SECONDS))
        yield from page.get("Items") or ()
        url = str(page.get("NextPageLink") or "")
        if not url or _host(url) != _host(address):
            return


def _prices(rows: Iterator[Mapping[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        meter = str(row.get("meterName", ""))
        if "windows" in str(row.get("productName", "")).lower() or meter.endswith(_SPOT):
            continue
        if row.get("type") != "Consumption" or row.get("currencyCode") != CURRENCY or not _hourly(row):
            continue
        found.setdefault(LOW_PRIORITY if meter.endswith(_LOW) else DEDICATED, float(row["retailPrice"]))
    return found


def _hourly(row: Mapping[str, Any]) -> bool:
    price = row.get("retailPrice")
    return row.get("unitOfMeasure") == "1 Hour" and isinstance(price, int | float) and price > 0


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()
