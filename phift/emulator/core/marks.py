"""The headers that a host adds to all its responses, as recorded 2026-02 and 2026-03.

Which they are depends on who answers: Resource Manager itself, the resource provider behind it, a service of the data
plane, blob storage.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache

from phift import __version__
from phift.emulator.core.clock import Clock
from phift.emulator.core.hosts import Host
from phift.emulator.core.limits import RateLimits
from phift.emulator.core.workspace import Workspace

__all__ = ["Marks"]

Headers = list[tuple[bytes, bytes]]

_OWN = (b"x-phift-emulator", __version__.encode())
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_CONTEXT = (b"request-context", b"appId=cid-v1:00000000-0000-0000-0000-000000000000")
_VARY = (b"vary", b"Accept-Encoding")
_RESOURCE_MANAGER: Headers = [
    (b"cache-control", b"no-cache"),
    (b"pragma", b"no-cache"),
    (b"expires", b"-1"),
    (b"x-cache", b"CONFIG_NOCACHE"),
    _HSTS,
    _NOSNIFF,
]
_CORS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-credentials", b"true"),
    (b"access-control-allow-private-network", b"true"),
    (b"access-control-expose-headers", b"Request-Context"),
    (b"access-control-max-age", b"86400"),
]
_BLOB_SERVER = (b"server", b"Microsoft-HTTPAPI/2.0")

_PROVIDER = "/providers/microsoft.machinelearningservices/"
_OF_PROVIDER = re.compile(
    r"/providers/microsoft\.machinelearningservices/"
    r"(workspaces(/[^/]+)?$|workspaces/[^/]+/computes(/|$)|locations/[^/]+/(vmsizes|usages|quotas|computeoperations))"
)
"""What the provider answers by itself; everything else its front end for assets, jobs and endpoints does (assumed:
provider_headers)."""
_AGGREGATED = re.compile(r"/onlineendpoints(/[^/]+/deployments)?$")
"""Lists of resources with a location, which Resource Manager puts together."""


class Marks:
    """The common headers of every response."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self._clock = clock
        self._limits = RateLimits()
        location = workspace.location
        self._location = location.upper()
        self._operation = (b"x-ms-operation-identifier", f"tenantId={workspace.tenant_id}".encode())
        self._cluster = (b"azureml-served-by-cluster", f"vienna-{location}-01".encode())

    def headers(
        self, kind: Host | None, method: str, path: str, own: Iterable[tuple[bytes, bytes]], started: float
    ) -> Headers:
        """The headers to add to a response that already has `own`. started: the request's start by perf_counter."""
        headers = [_OWN]
        if kind is None or kind is Host.ADMIN:
            return headers
        second = int(self._clock.time())
        headers.append((b"date", _date(second)))
        names = {name.lower() for name, _ in own}
        if kind is Host.ARM:
            self._resource_manager(headers, names, method, path, second, started)
        elif kind is Host.DATA_PLANE:
            self._data_plane(headers, names, method, path, started)
        elif kind is Host.BLOB:
            if b"server" not in names:
                headers.append(_BLOB_SERVER)
        elif kind is Host.IMDS:
            headers.append((b"connection", b"close"))  # clients keep one connection to a proxy for all plain HTTP hosts
        return headers

    def _resource_manager(
        self, headers: Headers, names: set[bytes], method: str, path: str, second: int, started: float
    ) -> None:
        identifier, lowered = _guid(), path.lower()
        headers += _RESOURCE_MANAGER
        headers += (
            (b"x-ms-correlation-request-id", identifier.encode()),
            (b"x-ms-routing-request-id", f"{self._location}:{_moment(second)}:{identifier}".encode()),
            (b"x-msedge-ref", _edge_reference(self._location, second)),
        )
        if b"x-ms-failure-cause" in names:  # refused by Resource Manager before a provider is asked
            headers.append((b"x-ms-request-id", identifier.encode()))
            return
        headers.append(_VARY)
        headers += self._limits.headers(method, path)
        if _PROVIDER not in lowered:
            headers.append((b"x-ms-request-id", identifier.encode()))
            return
        headers += (_CONTEXT, self._cluster)
        _timed(headers, names, started)
        if not _OF_PROVIDER.search(lowered):
            headers.append(self._operation)
        if method == "GET" and _AGGREGATED.search(lowered):
            headers.append((b"x-ms-original-request-ids", _guid().encode()))

    def _data_plane(self, headers: Headers, names: set[bytes], method: str, path: str, started: float) -> None:
        """Each service has its own set: discovery is for browsers, and POSTs and errors lack what GETs have."""
        service = path.split("/", 2)[1].lower()
        headers.append(_CONTEXT)
        _timed(headers, names, started)
        if service == "mferp":
            headers.append(_HSTS)
            return
        headers.append(_VARY)
        if service == "discovery":
            headers += (*_CORS, _HSTS, _NOSNIFF, self._cluster)
            return
        headers.append((b"mise-correlation-id", _guid().encode()))
        if service not in ("data", "registrymanagement"):
            headers.append(self._cluster)
        if method == "GET" and b"x-ms-response-type" not in names:  # which errors bring with them
            headers += (_HSTS, _NOSNIFF)


def _timed(headers: Headers, names: set[bytes], started: float) -> None:
    headers.append((b"x-request-time", b"%.3f" % (time.perf_counter() - started)))
    if b"x-ms-response-type" not in names:
        headers.append((b"x-ms-response-type", b"standard"))


def _guid() -> str:
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def _edge_reference(location: str, second: int) -> bytes:
    """As Azure's front door writes it: a request, a place, a time."""
    text = os.urandom(16).hex().upper()
    return f"Ref A: {text} Ref B: {location}01 Ref C: {_iso(second)}".encode()


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    """A time in seconds as the Date header has it."""
    return formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=4)
def _moment(second: int) -> str:
    """A time in seconds as x-ms-routing-request-id has it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")


@lru_cache(maxsize=4)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
