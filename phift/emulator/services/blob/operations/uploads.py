"""Writing content: whole blobs, blocks and appends."""

from __future__ import annotations

import asyncio
import base64

from starlette.responses import Response

from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.services.blob.answers import stamp_headers
from phift.emulator.services.blob.body import MIB
from phift.emulator.services.blob.conditions import AppendLimits
from phift.emulator.services.blob.crc64 import crc64_header
from phift.emulator.services.blob.exchange import Exchange, invalid_query, missing_header
from phift.emulator.services.blob.files import Staged
from phift.emulator.services.blob.lease import invalid_header
from phift.emulator.services.blob.model import Content
from phift.emulator.services.blob.xml import block_list, parse_block_list

__all__ = ["append_block", "get_block_list", "put_blob", "put_block", "put_block_list"]

_MAX_BLOB = 5000 * MIB
_MAX_BLOCK = 4000 * MIB
_MAX_APPEND = 100 * MIB
_MAX_BLOCK_LIST = 16 * MIB
_CRC_LIMIT = 16 * 1024
"""Larger bodies are answered without x-ms-content-crc64: computing it here would hold everybody up."""
_ENCRYPTED = {"x-ms-request-server-encrypted": "true"}


async def put_blob(exchange: Exchange) -> Response:
    kind = exchange.header("x-ms-blob-type")
    if exchange.header("x-ms-copy-source"):
        raise not_supported("Copies from a URL are")
    if kind == "PageBlob":
        raise not_supported("Page blobs are")
    if not kind:
        raise missing_header("x-ms-blob-type")
    if kind not in ("BlockBlob", "AppendBlob"):
        raise invalid_header("x-ms-blob-type", kind)
    _authorize_put(exchange)
    if kind == "AppendBlob" and exchange.header("content-length") != "0":
        raise invalid_header("Content-Length", exchange.header("content-length"))
    staged = await exchange.body.stage(exchange.store, _MAX_BLOB, hashed=True)
    headers = {"content-type": "application/octet-stream", **exchange.content_headers(plain=True)}
    metadata, conditions, lease_id = exchange.metadata, exchange.conditions, exchange.lease_id
    if kind == "AppendBlob":
        blob = exchange.store.put_append_blob(
            exchange.container,
            exchange.blob,
            headers=headers,
            metadata=metadata,
            conditions=conditions,
            lease_id=lease_id,
        )
        return exchange.answer(201, {**stamp_headers(blob), **_ENCRYPTED})
    digest = base64.b64encode(staged.md5 or b"").decode()
    if headers.setdefault("content-md5", digest) != digest:
        staged.discard()
        raise ServiceError(
            400,
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            parameters={"UserSpecifiedMd5": headers["content-md5"], "ServerCalculatedMd5": digest},
        )
    checksum = _checksum(staged)
    blob = exchange.store.put_block_blob(
        exchange.container,
        exchange.blob,
        await _finish(staged),
        headers=headers,
        metadata=metadata,
        conditions=conditions,
        lease_id=lease_id,
    )
    return exchange.answer(201, {**stamp_headers(blob), "Content-MD5": digest, **checksum, **_ENCRYPTED})


async def put_block(exchange: Exchange) -> Response:
    _authorize_put(exchange)
    staged = await exchange.body.stage(exchange.store, _MAX_BLOCK)
    if staged.length == 0:
        staged.discard()
        raise invalid_header("Content-Length", "0")
    checks = _checks(exchange, staged)
    content = await _finish(staged)
    exchange.store.put_block(
        exchange.container, exchange.blob, exchange.query("blockid"), content, lease_id=exchange.lease_id
    )
    return exchange.answer(201, {**checks, **_ENCRYPTED})


async def put_block_list(exchange: Exchange) -> Response:
    _authorize_put(exchange)
    wanted = parse_block_list(await exchange.body.read(_MAX_BLOCK_LIST))
    blob = exchange.store.put_block_list(
        exchange.container,
        exchange.blob,
        wanted,
        headers={"content-type": "application/octet-stream", **exchange.content_headers(plain=False)},
        metadata=exchange.metadata,
        conditions=exchange.conditions,
        lease_id=exchange.lease_id,
    )
    return exchange.answer(201, {**stamp_headers(blob), **_ENCRYPTED})


async def get_block_list(exchange: Exchange) -> Response:
    exchange.authorize("o", "r")
    kinds = (exchange.query("blocklisttype") or "committed").lower()
    if kinds not in ("committed", "uncommitted", "all"):
        raise invalid_query("blocklisttype", kinds)
    blob, committed, uncommitted = exchange.store.block_lists(exchange.container, exchange.blob, exchange.lease_id)
    headers = {"x-ms-blob-content-length": str(blob.length if blob else 0)}
    if blob:
        headers |= stamp_headers(blob)
    return exchange.xml(block_list(kinds, committed, uncommitted), headers)


async def append_block(exchange: Exchange) -> Response:
    exchange.authorize("o", "aw")
    staged = await exchange.body.stage(exchange.store, _MAX_APPEND)
    if staged.length == 0:
        staged.discard()
        raise invalid_header("Content-Length", "0")
    checks = _checks(exchange, staged)
    small = staged.small
    blob = exchange.store.append(
        exchange.container,
        exchange.blob,
        small if small is not None else await _finish(staged),
        conditions=exchange.conditions,
        lease_id=exchange.lease_id,
        limits=AppendLimits(
            exchange.number("x-ms-blob-condition-appendpos"), exchange.number("x-ms-blob-condition-maxsize")
        ),
    )
    return exchange.answer(
        201,
        {
            **stamp_headers(blob),
            **checks,
            **_ENCRYPTED,
            "x-ms-blob-append-offset": str(blob.length - staged.length),
            "x-ms-blob-committed-block-count": str(blob.blocks),
        },
    )


def _authorize_put(exchange: Exchange) -> None:
    """Overwriting needs w; for a blob that does not exist c will do."""
    container = exchange.store.containers.find(exchange.container)
    exists = container is not None and exchange.store.find(exchange.container, exchange.blob) is not None
    exchange.authorize("o", "w" if exists else "cw")


async def _finish(staged: Staged) -> Content:
    return staged.finish() if staged.small is not None else await asyncio.to_thread(staged.finish)


def _checks(exchange: Exchange, staged: Staged) -> dict[str, str]:
    if exchange.header("content-md5"):
        return {"Content-MD5": exchange.header("content-md5")}
    return _checksum(staged)


def _checksum(staged: Staged) -> dict[str, str]:
    small = staged.small
    if small is None or len(small) > _CRC_LIMIT:
        return {}
    return {"x-ms-content-crc64": crc64_header(small)}
