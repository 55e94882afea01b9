"""Reading, describing and deleting blobs."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.services.blob.answers import BlobResponse, blob_headers, parse_range, stamp_headers
from phift.emulator.services.blob.exchange import Exchange
from phift.emulator.services.blob.lease import invalid_header
from phift.emulator.services.blob.model import Blob, BlobKind

__all__ = ["delete", "get", "get_metadata", "head", "set_metadata", "set_properties"]

_MAX_HASHED_RANGE = 4 * 1024 * 1024
_ENCRYPTED = {"x-ms-request-server-encrypted": "true"}
_OVERRIDES = {
    "rscc": "Cache-Control",
    "rscd": "Content-Disposition",
    "rsce": "Content-Encoding",
    "rscl": "Content-Language",
    "rsct": "Content-Type",
}
"""Response headers that a signature may replace."""


async def get(exchange: Exchange) -> Response:
    blob = _read(exchange)
    span = parse_range(exchange.header("x-ms-range") or exchange.header("range"), blob.length)
    hashed = exchange.header("x-ms-range-get-content-md5").lower() == "true"
    if hashed and span is None:
        raise invalid_header("x-ms-range-get-content-md5", "true")
    headers = _headers(exchange, blob)
    if span is None:
        return BlobResponse(exchange.store, blob, 200, headers)
    first, last = span
    headers["Content-Range"] = f"bytes {first}-{last}/{blob.length}"
    if whole := headers.pop("Content-MD5", None):
        headers["x-ms-blob-content-md5"] = whole
    response = BlobResponse(exchange.store, blob, 206, headers, span)
    if hashed:
        if last + 1 - first > _MAX_HASHED_RANGE:
            raise ServiceError(400, "OutOfRangeInput", "One of the request inputs is out of range.")
        response.headers["Content-MD5"] = await asyncio.to_thread(response.md5)
    return response


async def head(exchange: Exchange) -> Response:
    blob = _read(exchange)
    headers = {**_headers(exchange, blob), "Content-Length": str(blob.length)}
    if blob.kind is BlobKind.BLOCK:
        headers |= {"x-ms-access-tier": "Hot", "x-ms-access-tier-inferred": "true"}
    return Response(headers=headers)


async def get_metadata(exchange: Exchange) -> Response:
    blob = _read(exchange)
    metadata = {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}
    return exchange.answer(200, {**stamp_headers(blob), **metadata})


async def set_metadata(exchange: Exchange) -> Response:
    exchange.authorize("o", "w")
    blob = exchange.store.set_metadata(
        exchange.container,
        exchange.blob,
        exchange.metadata,
        conditions=exchange.conditions,
        lease_id=exchange.lease_id,
    )
    return exchange.answer(200, {**stamp_headers(blob), **_ENCRYPTED})


async def set_properties(exchange: Exchange) -> Response:
    exchange.authorize("o", "w")
    blob = exchange.store.set_headers(
        exchange.container,
        exchange.blob,
        exchange.content_headers(plain=False),
        conditions=exchange.conditions,
        lease_id=exchange.lease_id,
    )
    return exchange.answer(200, stamp_headers(blob))


async def delete(exchange: Exchange) -> Response:
    exchange.authorize("o", "d")
    exchange.store.delete(exchange.container, exchange.blob, conditions=exchange.conditions, lease_id=exchange.lease_id)
    return exchange.answer(202, {"x-ms-delete-type-permanent": "true"})


def _read(exchange: Exchange) -> Blob:
    exchange.authorize("o", "r")
    if exchange.query("snapshot") or exchange.query("versionid"):
        raise not_supported("Snapshots and versions of blobs are")
    return exchange.store.get(exchange.container, exchange.blob, exchange.conditions, exchange.lease_id)


def _headers(exchange: Exchange, blob: Blob) -> dict[str, str]:
    headers = blob_headers(blob, exchange.now)
    return headers | {label: value for name, label in _OVERRIDES.items() if (value := exchange.query(name))}
