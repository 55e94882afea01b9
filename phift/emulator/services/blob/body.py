"""Request bodies on their way to the disk."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.engine import BlobStore
from phift.emulator.services.blob.files import Staged
from phift.emulator.services.blob.lease import invalid_header

__all__ = ["Body"]

MIB = 1024 * 1024
_BATCH = MIB // 2
_DRAIN_LIMIT = 64 * MIB


class Body:
    """A request's body, read once. Reading raises 411 unless its length is declared (Azure docs, "Put Blob")."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._started = False

    async def stage(self, store: BlobStore, limit: int, *, hashed: bool = False) -> Staged:
        """The body on the disk (or, when small, in memory), checked against Content-MD5. hashed: with its MD5.

        Memory stays flat: while a thread writes one batch the next is received. Raises 413 above `limit` bytes and
        400 Md5Mismatch; nothing is left behind then.
        """
        expected = _wanted_md5(self._request.headers)
        staged = store.stage(hashed=hashed or expected is not None)
        try:
            await self._receive(staged, limit)
            digest = staged.md5
            if expected is not None and digest is not None:
                _require_md5(expected, digest)
        except BaseException:
            staged.discard()
            raise
        return staged

    async def read(self, limit: int) -> bytes:
        """The whole body, checked against Content-MD5; raises 413 above `limit` bytes and 400 Md5Mismatch."""
        expected = _wanted_md5(self._request.headers)
        data = bytearray()
        async for chunk in self._chunks(limit):
            data += chunk
        if expected is not None:
            _require_md5(expected, hashlib.md5(data, usedforsecurity=False).digest())
        return bytes(data)

    async def drain(self) -> None:
        """Receive and drop a body that was not read, so that the client receives the answer; give up on huge ones."""
        if self._started:
            return
        try:
            async for _ in self._chunks(_DRAIN_LIMIT):
                pass
        except ServiceError:
            return

    async def _receive(self, staged: Staged, limit: int) -> None:
        loop = asyncio.get_running_loop()
        writing: asyncio.Future[None] | None = None
        batch = bytearray()
        try:
            async for chunk in self._chunks(limit):
                batch += chunk
                if len(batch) >= _BATCH:
                    if writing:
                        await writing
                    full, batch = batch, bytearray()
                    writing = loop.run_in_executor(None, staged.write, full)
        finally:
            if writing:
                await writing
        if len(batch) > 64 * 1024:
            await asyncio.to_thread(staged.write, batch)
        else:
            staged.write(batch)

    async def _chunks(self, limit: int) -> AsyncIterator[bytes]:
        self._started = True
        declared = self._request.headers.get("content-length")
        if declared is None:
            raise ServiceError(411, "MissingContentLengthHeader", "The Content-Length header was not specified.")
        if declared is not None and declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        seen = 0
        async for chunk in self._request.stream():
            seen += len(chunk)
            if seen > limit:
                raise _too_large(limit)
            if chunk:
                yield chunk


def _wanted_md5(headers: Mapping[str, str]) -> bytes | None:
    text = headers.get("content-md5")
    if not text:
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 16:
        raise ServiceError(
            400,
            "InvalidMd5",
            "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 encoded.",
        )
    return digest


def _require_md5(expected: bytes, found: bytes) -> None:
    if expected != found:
        raise ServiceError(
            400,
            "Md5Mismatch",
            "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            parameters={
                "UserSpecifiedMd5": base64.b64encode(expected).decode(),
                "ServerCalculatedMd5": base64.b64encode(found).decode(),
            },
        )


def _too_large(limit: int) -> ServiceError:
    return ServiceError(
        413,
        "RequestBodyTooLarge",
        "The request body is too large and exceeds the maximum permissible limit.",
        parameters={"MaxLimit": str(limit)},
    )


def number_header(headers: Mapping[str, str], name: str) -> int | None:
    """A header that holds a whole number, None when absent; raises 400 InvalidHeaderValue."""
    text = headers.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise invalid_header(name, text) from error
