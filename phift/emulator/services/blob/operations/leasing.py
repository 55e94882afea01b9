"""Leases on blobs."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from starlette.responses import Response

from phift.emulator.services.blob import lease as leases
from phift.emulator.services.blob.answers import stamp_headers
from phift.emulator.services.blob.exchange import Exchange, missing_header
from phift.emulator.services.blob.model import Blob

__all__ = ["lease"]


async def lease(exchange: Exchange) -> Response:
    action = exchange.header("x-ms-lease-action").lower()
    exchange.authorize("o", "wd" if action == "break" else "w")
    if not action:
        raise missing_header("x-ms-lease-action")
    if action == "acquire":
        duration = exchange.number("x-ms-lease-duration")
        if duration is None:
            raise missing_header("x-ms-lease-duration")
        proposed = _guid(exchange, "x-ms-proposed-lease-id")
        blob = _step(exchange, lambda held: leases.acquire(held, proposed, duration, exchange.now))
        return exchange.answer(201, {**stamp_headers(blob), "x-ms-lease-id": blob.lease.id})
    if action == "break":
        period = exchange.number("x-ms-lease-break-period")
        blob = _step(exchange, lambda held: leases.break_lease(held, period, exchange.now))
        return exchange.answer(202, {**stamp_headers(blob), "x-ms-lease-time": str(blob.lease.remaining(exchange.now))})
    if action not in ("renew", "change", "release"):
        raise leases.invalid_header("x-ms-lease-action", action)
    mine = _required(exchange, "x-ms-lease-id")
    if action == "release":
        return exchange.answer(200, stamp_headers(_step(exchange, lambda held: leases.release(held, mine))))
    if action == "renew":
        blob = _step(exchange, lambda held: leases.renew(held, mine, exchange.now))
    else:
        other = _required(exchange, "x-ms-proposed-lease-id")
        blob = _step(exchange, lambda held: leases.change(held, mine, other, exchange.now))
    return exchange.answer(200, {**stamp_headers(blob), "x-ms-lease-id": blob.lease.id})


def _step(exchange: Exchange, step: Callable[[leases.Lease], leases.Lease]) -> Blob:
    return exchange.store.lease(exchange.container, exchange.blob, step, exchange.conditions)


def _required(exchange: Exchange, name: str) -> str:
    if value := _guid(exchange, name):
        return value
    raise missing_header(name)


def _guid(exchange: Exchange, name: str) -> str:
    text = exchange.header(name)
    if not text:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise leases.invalid_header(name, text) from error
