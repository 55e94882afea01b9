"""One HTTP request to a container over its unix socket.

A connection a request: the inference server's sync workers close it after every answer, and connecting to a unix
socket costs less than a tenth of a millisecond.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import httptools

__all__ = ["Answer", "UpstreamError", "ask"]

_PAUSE_BYTES = 1 << 20


class UpstreamError(Exception):
    """The container could not be reached, or its answer broke off."""


@dataclass
class Answer:
    """A response whose head has arrived. The body is read by `read` or `stream`; `close` ends the connection."""

    status: int
    reason: str
    headers: list[tuple[bytes, bytes]]
    _exchange: _Exchange

    async def read(self) -> bytes:
        """The whole body; raises UpstreamError when it breaks off."""
        return b"".join([chunk async for chunk in self.stream()])

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes."""
        while chunk := await self._exchange.next_chunk():
            yield chunk

    @property
    def length(self) -> int | None:
        """The body's length if the head states it."""
        return next((int(value) for name, value in self.headers if name.lower() == b"content-length"), None)

    def close(self) -> None:
        self._exchange.close()


class _Exchange(asyncio.Protocol):
    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._failed = False
        self._changed: asyncio.Future[None] | None = None
        self.head: asyncio.Future[tuple[int, str, list[tuple[bytes, bytes]]]] = (
            asyncio.get_running_loop().create_future()
        )

    # transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._failed = True
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended:
            self._failed = True
        if not self.head.done():
            self.head.set_exception(UpstreamError("the container closed the connection without an answer"))
        self._wake()

    # parser

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.head.done():
            reason = self._reason.decode("latin-1")
            self.head.set_result((self._parser.get_status_code(), reason, self._headers))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._size += len(body)
        if self._size > _PAUSE_BYTES and self._transport:
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        self._ended = True
        self._wake()

    # reader

    async def next_chunk(self) -> bytes:
        while not self._chunks:
            if self._failed:
                raise UpstreamError("the container's answer broke off")
            if self._ended:
                return b""
            self._changed = asyncio.get_running_loop().create_future()
            await self._changed
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if self._transport and not self._transport.is_closing():
            self._transport.resume_reading()
        return chunk

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def close(self) -> None:
        if self._transport:
            self._transport.abort()

    def _wake(self) -> None:
        if self._changed and not self._changed.done():
            self._changed.set_result(None)


async def ask(
    socket: Path, method: str, target: str, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
) -> Answer:
    """Sends a request and waits for the answer's head. Cancelling it ends the connection. Raises UpstreamError."""
    try:
        _, exchange = await asyncio.get_running_loop().create_unix_connection(_Exchange, str(socket))
    except OSError as error:
        raise UpstreamError(f"cannot connect to the container: {error.strerror or error}") from error
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"host: container", b"connection: close"]
    lines += [name + b": " + value for name, value in headers]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}".encode())
    try:
        exchange.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)
        status, reason, found = await exchange.head
    except BaseException:
        exchange.close()
        raise
    return Answer(status, reason, found, exchange)
