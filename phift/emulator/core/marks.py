"""The headers that a host adds to all its responses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

from phift import __version__
from phift.emulator.core.limits import RateLimits
from phift.emulator.core.routing import Host
from phift.emulator.core.workspace import Workspace

__all__ = ["Marks"]

Headers = list[tuple[bytes, bytes]]

_SECURITY: Headers = [
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"request-context", b"appId=cid-v1:00000000-0000-0000-0000-000000000000"),
]
_NOT_CACHED: Headers = [(b"cache-control", b"no-cache"), (b"pragma", b"no-cache"), (b"expires", b"-1")]
_OWN = (b"x-phift-emulator", __version__.encode())


class Marks:
    """The common headers of every response (names recorded 2026-03)."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._limits = RateLimits()

    def headers(
        self, kind: Host | None, method: str, path: str, own: Iterable[tuple[bytes, bytes]], started: float
    ) -> Headers:
        """The headers to add to a response that already has `own`. started: the request's start by perf_counter."""
        headers = [_OWN]
        if kind is Host.IMDS:
            headers.append((b"connection", b"close"))  # clients keep one connection to a proxy for all plain HTTP hosts
        if kind not in (Host.ARM, Host.DATA_PLANE):
            return headers
        second = int(time.time())
        headers += [(b"date", _date(second)), *_SECURITY]
        headers.append((b"x-request-time", f"{time.perf_counter() - started:.3f}".encode()))
        if all(name.lower() != b"x-ms-response-type" for name, _ in own):
            headers.append((b"x-ms-response-type", b"standard"))
        if kind is Host.ARM:
            identifier, location = str(uuid.uuid4()), self._workspace.location.upper()
            headers += _NOT_CACHED
            headers += [
                (b"x-ms-request-id", identifier.encode()),
                (b"x-ms-correlation-request-id", identifier.encode()),
                (b"x-ms-operation-identifier", f"tenantId={self._workspace.tenant_id}".encode()),
                (b"x-ms-routing-request-id", f"{location}:{_moment(second)}:{identifier}".encode()),
            ]
            headers += self._limits.headers(method, path)
        return headers


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    """A time in seconds as the Date header has it."""
    return formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=4)
def _moment(second: int) -> str:
    """A time in seconds as x-ms-routing-request-id has it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
