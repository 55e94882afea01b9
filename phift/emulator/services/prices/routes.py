"""The Retail Prices API at prices.azure.com: no authentication, a filter, pages of 100 rows."""

from __future__ import annotations

import asyncio
from itertools import islice
from urllib.parse import quote, urlencode

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call
from phift.emulator.services.prices.catalogue import Row, currencies, rows
from phift.emulator.services.prices.filters import BadFilter, parse

__all__ = ["ROUTES"]

_PAGE = 100
_PLANS = "2023-01-01-preview"
"""The first api-version with savings plans, and in which letter case counts in values."""


async def _prices(call: Call) -> Response:
    currency = call.query("currencyCode").strip("'").upper() or "USD"
    newer = call.api_version >= _PLANS
    if currency not in currencies():
        return _refused(f"The currency code {currency} is not supported.")
    try:
        text = call.query("filter")
        admits = parse(text, exact=newer) if text.strip() else None
    except BadFilter as error:
        return _refused(str(error))
    start, size = call.number("skip") or 0, min(call.number("top") or _PAGE, _PAGE)
    now = call.emulator.clock.now()

    def read() -> list[Row]:
        matching = (row for row in rows(now, currency, plans=newer) if admits is None or admits(row))
        return list(islice(matching, start, start + size + 1))

    found = await asyncio.to_thread(read)  # thousands of rows are looked at
    body = {
        "BillingCurrency": currency,
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": found[:size],
        "NextPageLink": _next(call, start + size) if len(found) > size else None,
        "Count": len(found[:size]),
    }
    return reply(body)


def _next(call: Call, start: int) -> str:
    query = [pair for pair in call.request.query_params.multi_items() if pair[0].lower().lstrip("$") != "skip"]
    text = urlencode([*query, ("$skip", str(start))], quote_via=quote, safe="$")
    return f"https://prices.azure.com:443{call.request.url.path}?{text}"


def _refused(why: str) -> Response:
    """(assumed: price_refusals)"""
    return reply({"Error": {"Code": "BadRequest", "Message": f"Invalid OData parameters supplied. {why}"}}, 400)


ROUTES = (Route(Host.PRICES, "GET", "/api/retail/prices", _prices, public=True),)
