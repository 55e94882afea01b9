"""Leases on blobs."""

from __future__ import annotations

import uuid

from starlette.responses import Response

from phift.emulator.blobs.answers import stamp_headers
from phift.emulator.blobs.exchange import Exchange
from phift.emulator.blobs.lease import invalid_header
from phift.emulator.errors import ServiceError

__all__ = ["lease"]


async def lease(exchange: Exchange) -> Response:
    action = exchange.header("x-ms-lease-action").lower()
    exchange.authorize("o", "wd" if action == "break" else "w")
    store, where, conditions = exchange.store, (exchange.container, exchange.blob), exchange.conditions
    if action == "acquire":
        duration = exchange.number("x-ms-lease-duration")
        if duration is None:
            raise _missing("x-ms-lease-duration")
        blob = store.acquire_lease(*where, _guid(exchange, "x-ms-proposed-lease-id"), duration, conditions)
        return exchange.answer(201, {**stamp_headers(blob), "x-ms-lease-id": blob.lease.id})
    if action == "break":
        blob, seconds = store.break_lease(*where, exchange.number("x-ms-lease-break-period"), conditions)
        return exchange.answer(202, {**stamp_headers(blob), "x-ms-lease-time": str(seconds)})
    if action not in ("renew", "change", "release"):
        raise invalid_header("x-ms-lease-action", action)
    held = _guid(exchange, "x-ms-lease-id")
    if not held:
        raise _missing("x-ms-lease-id")
    if action == "renew":
        blob = store.renew_lease(*where, held, conditions)
    elif action == "change":
        proposed = _guid(exchange, "x-ms-proposed-lease-id")
        if not proposed:
            raise _missing("x-ms-proposed-lease-id")
        blob = store.change_lease(*where, held, proposed, conditions)
    else:
        blob = store.release_lease(*where, held, conditions)
        return exchange.answer(200, stamp_headers(blob))
    return exchange.answer(200, {**stamp_headers(blob), "x-ms-lease-id": blob.lease.id})


def _guid(exchange: Exchange, name: str) -> str:
    text = exchange.header(name)
    if not text:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise invalid_header(name, text) from error


def _missing(name: str) -> ServiceError:
    return ServiceError(
        400,
        "MissingRequiredHeader",
        "An HTTP header that's mandatory for this request is not specified.",
        parameters={"HeaderName": name},
    )
