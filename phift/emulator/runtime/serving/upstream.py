"""One HTTP request to a container over its unix socket.

A connection a request: the inference server's sync workers close it after every answer, and connecting to a unix
socket costs less than a tenth of a millisecond.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

import httptools

__all__ = ["Answer", "UpstreamError", "ask"]

_PAUSE_BYTES = 1 << 20
_RECEIVED_BYTES = 1 << 18


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


class _Exchange:
    """One connection, read as the loop says that there is something. Without a transport of asyncio's it takes one turn
    of the loop instead of four: connecting to a unix socket and sending a request to it do not block."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.setblocking(False)
        self._parser = httptools.HttpResponseParser(self)
        self._reading = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._chunks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._failed = False
        self._changed: asyncio.Future[None] | None = None
        self._head: asyncio.Future[tuple[int, str, list[tuple[bytes, bytes]]]] = self._loop.create_future()

    async def open(self, path: Path, request: bytes) -> None:
        """Connect and send a request. Raises OSError if nothing listens."""
        try:
            self._socket.connect(str(path))
        except BlockingIOError:
            await self._loop.sock_connect(self._socket, str(path))
        self._read_on()
        try:
            sent = self._socket.send(request)
            if sent < len(request):
                await self._loop.sock_sendall(self._socket, memoryview(request)[sent:])
        except BlockingIOError:
            await self._loop.sock_sendall(self._socket, request)
        except (BrokenPipeError, ConnectionResetError):
            pass  # what it has answered before it closed is read all the same

    async def head(self) -> tuple[int, str, list[tuple[bytes, bytes]]]:
        """Status, reason and headers, once they are here; of a small answer once the body is here too. Raises
        UpstreamError."""
        return await self._head

    # socket

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_RECEIVED_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._lost()

    def _lost(self) -> None:
        self._failed = not self._ended
        self.close()
        if not self._head.done():
            self._head.set_exception(UpstreamError("the container closed the connection without an answer"))
        self._wake()

    def _read_on(self) -> None:
        if not self._reading and self._socket.fileno() >= 0:
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    # parser

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        length = next((value for name, value in self._headers if name.lower() == b"content-length"), b"")
        if not (length.isdigit() and int(length) <= _PAUSE_BYTES):
            self._tell_head()

    def _tell_head(self) -> None:
        if not self._head.done():
            reason = self._reason.decode("latin-1")
            self._head.set_result((self._parser.get_status_code(), reason, self._headers))

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._size += len(body)
        if self._size > _PAUSE_BYTES:
            self._tell_head()
            self._pause()
        self._wake()

    def on_message_complete(self) -> None:
        self._ended = True
        self._tell_head()
        self._wake()

    # reader

    async def next_chunk(self) -> bytes:
        while not self._chunks:
            if self._failed:
                raise UpstreamError("the container's answer broke off")
            if self._ended:
                return b""
            self._changed = self._loop.create_future()
            await self._changed
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        self._size = 0
        if not self._ended and not self._failed:
            self._read_on()
        return chunk

    def close(self) -> None:
        """May be called twice."""
        self._pause()
        self._socket.close()

    def _wake(self) -> None:
        if self._changed and not self._changed.done():
            self._changed.set_result(None)


async def ask(
    path: Path, method: str, target: str, headers: Iterable[tuple[bytes, bytes]] = (), body: bytes = b""
) -> Answer:
    """Send a request to the unix socket at a path and wait for the answer's head. Cancelling it ends the connection.
    Raises UpstreamError."""
    lines = [f"{method} {target} HTTP/1.1".encode("latin-1"), b"host: container", b"connection: close"]
    lines += [name + b": " + value for name, value in headers]
    if body or method == "POST":
        lines.append(b"content-length: %d" % len(body))
    exchange = _Exchange()
    try:
        await exchange.open(path, b"\r\n".join(lines) + b"\r\n\r\n" + body)
        status, reason, found = await exchange.head()
    except OSError as error:
        exchange.close()
        raise UpstreamError(f"cannot connect to the container: {error.strerror or error}") from error
    except BaseException:
        exchange.close()
        raise
    return Answer(status, reason, found, exchange)
