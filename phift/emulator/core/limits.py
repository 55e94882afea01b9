"""Limits: how much a request body may hold, and the request allowances the resource manager reports."""

from __future__ import annotations

import re
import time

from starlette.types import Message, Receive

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.routing import Host

__all__ = ["MAX_HEADER_BYTES", "RateLimits", "limited"]

MAX_HEADER_BYTES = 64 * 1024
_MAX_BODY_BYTES = 32 * 1024 * 1024
_WINDOW_SECONDS = 300.0
_RESOURCE_REQUESTS, _MOST_RESOURCE_REQUESTS = "resource-requests", 24
_DEPLOYMENT = re.compile("/deployments/[^/]+$", re.IGNORECASE)
_BUCKETS = {"reads": (249, 3749), "writes": (199, 2999), "deletes": (199, 2999)}
"""What is left after the first request, per principal and globally (recorded 2026-03)."""


def limited(kind: Host | None, receive: Receive) -> Receive:
    """`receive`, refusing bodies over 32 MiB everywhere but on blob hosts, which stream."""
    if kind is Host.BLOB:
        return receive
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > _MAX_BODY_BYTES:
            raise ServiceError(413, "RequestEntityTooLarge", "The request body is larger than 32 MiB.")
        return message

    return counted


class RateLimits:
    """The x-ms-ratelimit-remaining headers. They count down and refill; nothing is ever refused (faults do that)."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._used = dict.fromkeys((*_BUCKETS, _RESOURCE_REQUESTS), 0)

    def headers(self, method: str, path: str) -> list[tuple[bytes, bytes]]:
        """The allowances left after a request. Writes of deployments have one of their own (recorded 2025-02)."""
        now = time.monotonic()
        if now - self._started > _WINDOW_SECONDS:
            self._started, self._used = now, dict.fromkeys(self._used, 0)
        bucket = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}.get(method, "writes")
        if bucket == "writes" and _DEPLOYMENT.search(path):
            used = self._count(_RESOURCE_REQUESTS)
            name = b"x-ms-ratelimit-remaining-subscription-resource-requests"
            return [(name, str(max(1, _MOST_RESOURCE_REQUESTS - used)).encode())]
        own, everyone = _BUCKETS[bucket]
        used = self._count(bucket)
        return [
            (f"x-ms-ratelimit-remaining-subscription-{bucket}".encode(), str(max(1, own - used)).encode()),
            (f"x-ms-ratelimit-remaining-subscription-global-{bucket}".encode(), str(max(1, everyone - used)).encode()),
        ]

    def _count(self, bucket: str) -> int:
        """How many came before this one."""
        self._used[bucket] += 1
        return self._used[bucket] - 1
