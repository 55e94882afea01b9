"""What all lists share: pages, the filters on tags and properties, archived and active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.routing import Call

__all__ = ["has_all", "in_view", "page"]

_PAGE = 100  # (assumed: page_sizes)
_MOST = 1000


def page(call: Call[Any], items: Iterable[dict[str, Any]], *, size: int = _PAGE, token: str = "$skipToken") -> Response:
    """The page of `items` that $top (or count) and $skipToken (or $skip) ask for; $top is a page size, not a total.

    size: of a page where none is asked for. token: the parameter by which nextLink goes on.
    """
    most = min(call.number("top") or call.number("count") or size, _MOST)
    start = call.number("skipToken") or call.number("skip") or 0
    found = list(islice(items, start, start + most + 1))
    body: dict[str, Any] = {"value": found[:most]}
    if len(found) > most:
        query = [
            pair
            for pair in call.request.query_params.multi_items()
            if pair[0].lower().lstrip("$") not in ("skiptoken", "skip")
        ]
        query.append((token, str(start + most)))
        body["nextLink"] = f"https://{call.hostname}{call.request.url.path}?{urlencode(query)}"
    return reply(body)


def in_view(call: Call[Any], archived: bool) -> bool:
    """Whether listViewType shows it; clients also send the literal ListViewType.ACTIVE_ONLY."""
    view = (call.query("listViewType") or "ActiveOnly").rsplit(".", 1)[-1].replace("_", "").lower()
    return view == "all" or archived == (view == "archivedonly")


def has_all(bag: Mapping[str, str], wanted: str) -> bool:
    """Whether a bag has all of "name" and "name=value", comma-separated; names are case-insensitive."""
    values = {name.lower(): value for name, value in bag.items()}
    for part in filter(None, wanted.split(",")):
        name, given, value = part.partition("=")
        if name.lower() not in values or (given and values[name.lower()] != value):
            return False
    return True
