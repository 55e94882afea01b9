"""What all lists share: pages, the filters on tags and properties, archived and active."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.routing import Call

__all__ = ["has_all", "in_view", "page"]

_PAGE = 100  # (assumed: page_sizes)
_MOST = 1000
_SEAL = b"continuation"


def page(call: Call[Any], items: Iterable[dict[str, Any]], *, size: int = _PAGE) -> Response:
    """The page of `items` that $top (or count) and $skipToken (or $skip) ask for; $top is a page size, not a total.

    size: of a page where none is asked for. Raises ServiceError 400 for a token that no nextLink had.
    """
    most = min(call.number("top") or call.number("count") or size, _MOST)
    token = call.query("skipToken")
    start = _start(token) if token else call.number("skip") or 0
    found = list(islice(items, start, start + most + 1))
    body: dict[str, Any] = {"value": found[:most]}
    if len(found) > most:
        body["nextLink"] = _next_link(call, start + most)
    return reply(body)


def _next_link(call: Call[Any], start: int) -> str:
    """The same request with a token: api-version first, then the others as they were sent, the token last (assumed:
    next_links)."""
    sent = call.request.query_params.multi_items()
    query = [pair for pair in sent if pair[0].lower() == "api-version"]
    query += [pair for pair in sent if pair[0].lower().lstrip("$") not in ("api-version", "skiptoken", "skip")]
    query.append(("$skipToken", _token(start)))
    path = quote(call.request.url.path, safe="/:@$!*'(),;=&+~")
    return f"https://{call.hostname}{path}?{urlencode(query, quote_via=quote, safe='$')}"


def _token(start: int) -> str:
    """Opaque to clients: they pass it on, and count nothing by it."""
    seal = hashlib.blake2b(str(start).encode(), key=_SEAL, digest_size=6).digest()
    return base64.urlsafe_b64encode(seal + str(start).encode()).decode().rstrip("=")


def _start(token: str) -> int:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        start = int(raw[6:])
        if _token(start) == token:
            return start
    except ValueError:
        pass
    raise ServiceError(400, "UserError", "The continuation token is invalid.", target="$skipToken", inner="BadArgument")


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
