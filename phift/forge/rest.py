"""JSON over HTTPS, by the standard library: a few requests, with a deadline, and without redirects.

The token is sent to the given origin only: a redirect is an error, and a path cannot name another host.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from phift.errors import UsageError
from phift.forge.base import ForgeError

__all__ = ["Rest"]

_TIMEOUT = 30.0
"""Seconds."""
_LARGEST = 20_000_000
"""Bytes of an answer."""
_PAUSES = (1.0, 3.0)
"""Seconds before each further attempt of a request that can be repeated."""
_AGAIN = frozenset({429, 500, 502, 503, 504})
_PAGES = 30
_PER_PAGE = 100


class _NoRedirects(HTTPRedirectHandler):
    """Makes a redirect an error: it would carry the token along."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@dataclass(frozen=True)
class Rest:
    """An API. base: its address. headers: sent with every request; they contain the token."""

    base: str
    headers: Mapping[str, str] = field(repr=False)
    opener: OpenerDirector = field(default_factory=lambda: build_opener(_NoRedirects), repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.base)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}):
            raise UsageError(f"{self.base[:200]} is not an https:// address")

    def get(self, path: str, **query: str | int) -> Any:
        """Return the parsed answer. Raises ForgeError."""
        return self.send("GET", path + ("?" + urlencode(query) if query else ""))

    def pages(self, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Yield the items of a list by pages. Raises ForgeError, also if the list does not end after 3,000 items."""
        for page in range(1, _PAGES + 1):
            found = self.get(path, per_page=_PER_PAGE, page=page, **query)
            if not isinstance(found, list):
                raise ForgeError(f"unexpected answer of {self._place(path)}: not a list")
            yield from (item for item in found if isinstance(item, dict))
            if len(found) < _PER_PAGE:
                return
        raise ForgeError(f"{self._place(path)} has more than {_PAGES * _PER_PAGE:,} items")

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the parsed answer, None if it is empty. A POST is not repeated.

        Raises ForgeError.
        """
        pauses = iter(_PAUSES if method != "POST" else ())
        while True:
            try:
                return self._once(method, path, body)
            except ForgeError as error:
                pause = next(pauses, None) if error.status in _AGAIN or not error.status else None
                if pause is None:
                    raise
                time.sleep(pause)

    def _once(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "User-Agent": "phift"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.base.rstrip("/") + path, data=data, headers=headers, method=method)
        where = f"{method} {self._place(path)}"
        try:
            with self.opener.open(request, timeout=_TIMEOUT) as answer:
                raw = answer.read(_LARGEST + 1)
        except HTTPError as error:
            with error:
                raise _failed(where, error.code, error.read(10_000)) from None
        except (URLError, TimeoutError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise ForgeError(f"{where} failed: {reason}", remedy="Check the network, and re-run the job.") from None
        if len(raw) > _LARGEST:
            raise ForgeError(f"the answer of {where} is larger than {_LARGEST:,} bytes")
        try:
            return json.loads(raw) if raw.strip() else None
        except ValueError:
            raise ForgeError(f"the answer of {where} is not JSON") from None

    def _place(self, path: str) -> str:
        return f"{urlsplit(self.base).netloc}{path.partition('?')[0]}"


def _failed(where: str, status: int, raw: bytes) -> ForgeError:
    try:
        told = str(json.loads(raw).get("message") or "")[:300]
    except (ValueError, AttributeError):
        told = ""
    remedy = {
        401: "Check that the token of the workflow is passed to the step.",
        403: "Give the job the permission in `permissions:` of the workflow.",
        404: "Check the permissions of the token: a missing one looks like a missing object.",
    }.get(status, "")
    return ForgeError(f"{where} failed with status {status}", status=status, detail=told, remedy=remedy)
