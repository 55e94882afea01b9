"""Answers of the blob service: their headers, and content streamed from the disk."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from contextlib import ExitStack
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.engine import BlobStore
from phift.emulator.services.blob.model import Blob, BlobKind, http_date
from phift.emulator.services.blob.xml import property_headers

__all__ = ["SERVER", "BlobResponse", "blob_headers", "parse_range", "stamp_headers"]

SERVER = "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"
_CHUNK = 512 * 1024
_RANGE = re.compile(r"bytes=([0-9]{1,19})-([0-9]{0,19})")

Piece = tuple[Path, int, int]
"""A part of content: file, offset, length."""


def stamp_headers(blob: Blob) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"ETag": blob.etag, "Last-Modified": blob.last_modified}


def blob_headers(blob: Blob, now: float) -> dict[str, str]:
    """What GET and HEAD tell of a blob (recorded 2026-03), but for its length."""
    state = blob.lease.state(now)
    headers = {
        **stamp_headers(blob),
        **{property_headers[name]: value for name, value in blob.headers.items() if value},
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": blob.kind.value,
        "x-ms-creation-time": http_date(blob.created),
        "x-ms-lease-state": state.value,
        "x-ms-lease-status": "locked" if blob.lease.locked(now) else "unlocked",
        "x-ms-server-encrypted": "true",
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
    }
    if state == "leased":
        headers["x-ms-lease-duration"] = "infinite" if blob.lease.expires is None else "fixed"
    if blob.kind is BlobKind.APPEND:
        headers["x-ms-blob-committed-block-count"] = str(blob.blocks)
    return headers


def parse_range(text: str | None, length: int) -> tuple[int, int] | None:
    """First and last byte of `bytes=a-b`, cut to the content; None for no range or one the service ignores.

    Raises 416 InvalidRange when it begins behind the end, as every range of an empty blob does.
    """
    found = _RANGE.fullmatch(text.strip()) if text else None
    if found is None:
        return None
    first, last = int(found[1]), int(found[2]) if found[2] else length - 1
    if found[2] and last < first:
        return None
    if first >= length:
        raise ServiceError(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
            headers={"Content-Range": f"bytes */{length}"},
        )
    return first, min(last, length - 1)


class BlobResponse(Response):
    """Content from the disk. Small answers leave in one piece; large ones are read in threads, a chunk at a time.

    The files are held from now until the answer is sent, though the blob be overwritten meanwhile.
    """

    def __init__(
        self, store: BlobStore, blob: Blob, status: int, headers: dict[str, str], span: tuple[int, int] | None = None
    ) -> None:
        segments = store.segments(blob)
        first, last = span or (0, blob.length - 1)
        self._pieces = _cut([(path, length) for _, path, length in segments], first, last + 1)
        self._pins = ExitStack()
        self._pins.enter_context(store.pinned([file for file, _, _ in segments]))
        self._length = last + 1 - first
        super().__init__(status_code=status, headers={**headers, "Content-Length": str(self._length)})

    def md5(self) -> str:
        """Of the bytes to be sent, base64. For a few megabytes at most, in a thread."""
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self._pieces:
            digest.update(_read(*piece))
        return base64.b64encode(digest.digest()).decode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._pins:
            start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            if self._length <= _CHUNK:
                body = b"".join(_read(*piece) for piece in self._pieces)
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
            await send(start)
            for path, offset, length in self._pieces:
                for skip in range(0, length, _CHUNK):
                    chunk = await asyncio.to_thread(_read, path, offset + skip, min(_CHUNK, length - skip))
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def _cut(segments: list[tuple[Path, int]], start: int, end: int) -> list[Piece]:
    pieces: list[Piece] = []
    offset = 0
    for path, length in segments:
        low, high = max(start, offset), min(end, offset + length)
        if low < high:
            pieces.append((path, low - offset, high - low))
        offset += length
    return pieces


def _read(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(offset)
        data = stream.read(length)
    if len(data) != length:
        raise OSError(f"{path} is shorter than its index says")
    return data
