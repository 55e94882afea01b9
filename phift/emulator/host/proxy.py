"""The loopback proxy: Azure's hosts are answered in this process, all others are tunnelled."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from phift.emulator.core.routing import Host, host_kind
from phift.emulator.host.gate import HEADER, REFUSAL, REFUSAL_BODY, REFUSAL_HEADERS, Gate
from phift.emulator.host.heads import MAX_HEAD_BYTES, BadHead, Head, is_host, plain_answer
from phift.emulator.host.joined import Joined
from phift.emulator.host.tls import Authority
from phift.emulator.host.tunnel import Tunnels, answer_and_close
from phift.emulator.host.writes import JoinedWrites

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Proxy"]

logger = logging.getLogger("phift.emulator")

_HEAD_SECONDS = 60.0
_HANDSHAKE_SECONDS = 20.0
_KEEP_ALIVE_SECONDS = 75
_REFUSALS_LOGGED_EVERY = 60.0
_BAD_REQUEST = b"The request target or the Host header is malformed.\n"
_BAD_REQUEST_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_BAD_REQUEST)).encode()),
    (b"connection", b"close"),
)
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only, and not permanent: set again at every read


class Proxy:
    """Accepts connections on a loopback port and hands those that `gate` admits to the application or to a tunnel."""

    def __init__(self, app: ASGIApp, authority: Authority, gate: Gate) -> None:
        self.gate = gate
        config = Config(
            _Guarded(app, self),
            http="httptools",
            lifespan="off",
            ws="none",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        config.load()
        self._config = config
        self._state = ServerState()
        self._authority = authority
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused_at = float("-inf")
        self.tunnels = Tunnels(lambda: self.port)
        self.port = 0

    async def bind(self, port: int) -> None:
        """Bind 127.0.0.1:`port` (0: any free one, then in `port`); raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Entrance(self), "127.0.0.1", port, start_serving=False)
        self.port = self._server.sockets[0].getsockname()[1]

    async def serve(self) -> None:
        """Begin to accept connections on the bound port."""
        assert self._server is not None
        await self._server.start_serving()

    async def close(self, *, seconds: float = 3.0) -> None:
        """Take no more connections, let answers under way end for `seconds`, then drop the rest."""
        if self._server:
            self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        self.tunnels.close()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._state.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()

    def run(self, coro: Any) -> None:
        task = asyncio.get_running_loop().create_task(coro)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a connection failed", exc_info=error)

    def refused(self) -> None:
        """Log that a request without the credential came; not each of them, since anybody on the machine can ask."""
        if time.monotonic() - self._refused_at >= _REFUSALS_LOGGED_EVERY:
            self._refused_at = time.monotonic()
            logger.warning("rejected a request without the credential of this home (407)")

    def answer(self, transport: asyncio.Transport, early: bytes) -> None:
        """Hand a connection to the HTTP server, with the bytes that were read from it already."""
        protocol = _Http(self._config, self._state, {"connection": transport})
        transport.set_protocol(protocol)
        protocol.connection_made(cast("asyncio.Transport", JoinedWrites(transport)))
        if early:
            protocol.data_received(early)

    async def terminate(self, transport: asyncio.Transport, host: str) -> None:
        """Answer a CONNECT to one of Azure's hosts: TLS with a certificate of our own, then HTTP."""
        transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        buffer = _Buffer()
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                buffer,
                self._authority.context(host),
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
        except (OSError, TimeoutError) as error:
            logger.info("TLS handshake for %s failed: %s", host, error)
            transport.abort()
            return
        if secure is None or buffer.lost:
            return
        self.answer(secure, bytes(buffer.data))


class _Guarded:
    """The application behind the gate. Each request on a plain connection needs the credential, as a connection may be
    shared; those inside a tunnel came through it already. The application never sees it, nor a request whose host or
    target cannot be read."""

    def __init__(self, app: ASGIApp, proxy: Proxy) -> None:
        self._app = app
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            sent = [value for name, value in scope["headers"] if name == HEADER]
            kept = [(name, value) for name, value in scope["headers"] if not name.startswith(b"proxy-")]
            scope = {**scope, "headers": kept}
            if scope["scheme"] == "http" and not self._proxy.gate.admits(sent):
                self._proxy.refused()
                await _refuse(send, 407, REFUSAL_HEADERS, REFUSAL_BODY)
                return
            hosts = [value for name, value in kept if name == b"host"]
            target = scope["raw_path"] + scope["query_string"]
            if not target.isascii() or len(hosts) > 1 or not all(is_host(value) for value in hosts):
                await _refuse(send, 400, _BAD_REQUEST_HEADERS, _BAD_REQUEST)
                return
        await self._app(scope, receive, send)


async def _refuse(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})


class _Http(HttpToolsProtocol):
    """The HTTP server, acknowledging at once: clients send head and body apart and hold the body back until the head
    is acknowledged, which costs 40 ms a request otherwise."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._joined = Joined(transport, self.loop)
        super().connection_made(self._joined)
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        if _QUICK_ACK is not None and self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        super().data_received(data)

    def on_response_complete(self) -> None:
        self._joined.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """As uvicorn's, but the answer arrives also when the client is still sending."""
        self.connections.discard(self)
        self.pipeline.clear()
        if self.cycle and not self.cycle.response_complete:  # of a good request before it, whose answer is lost
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        answer_and_close(self.transport, plain_answer(400, msg))

    def shutdown(self) -> None:
        """As uvicorn's, but a connection at rest ends at once: closing TLS waits for a goodbye that kept connections
        of programs do not send."""
        at_rest = self.cycle is None or self.cycle.response_complete
        if at_rest and not self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().shutdown()


class _Buffer(asyncio.Protocol):
    """Keeps what arrives between the TLS handshake and the hand-over to the HTTP server."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class _Entrance(asyncio.Protocol):
    """Reads the head of a new connection's first request and decides where the connection goes."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(
            _HEAD_SECONDS, self._refuse, 408, f"No complete request was received within {_HEAD_SECONDS:g} seconds."
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()

    def eof_received(self) -> bool:
        if self._data:
            self._refuse(400, "The request is incomplete.")
        return bool(self._data)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if b"\r\n\r\n" in self._data:
            self._wait_no_more()
            data = bytes(self._data)
            self._data.clear()
            self._decide(data)
        elif len(self._data) > MAX_HEAD_BYTES:
            self._refuse(431, "The request's headers are larger than 64 KiB.")
        elif not self._data[:1].isalpha():
            self._refuse(400, "This is an HTTP proxy.")

    def _decide(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        try:
            head = Head.parse(data)
        except BadHead as error:
            self._refuse(400, str(error))
            return
        if not self._proxy.gate.admits(head.values(HEADER)):
            self._proxy.refused()
            answer_and_close(transport, REFUSAL)
            return
        kind = host_kind(head.host)
        if head.method == "CONNECT":
            if kind in {None, Host.ADMIN, Host.IMDS}:
                transport.pause_reading()
                self._proxy.run(self._proxy.tunnels.relay(transport, head))
            elif head.early:
                self._refuse(400, "Data was sent before the response to CONNECT.")
            else:
                self._proxy.run(self._proxy.terminate(transport, head.host.rstrip(".")))
            return
        own = kind is Host.ADMIN and head.port == self._proxy.port
        if head.scheme and not own and kind is not Host.IMDS:
            transport.pause_reading()
            self._proxy.run(self._proxy.tunnels.relay(transport, head))
            return
        self._proxy.answer(transport, data)

    def _refuse(self, status: int, text: str) -> None:
        assert self._transport is not None
        self._wait_no_more()
        answer_and_close(self._transport, plain_answer(status, text))

    def _wait_no_more(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
