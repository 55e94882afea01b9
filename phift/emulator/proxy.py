"""The loopback proxy: Azure's hosts are answered in this process, all others are tunnelled."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from phift.emulator.routing import Host, host_kind
from phift.emulator.tls import Authority

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["Proxy"]

logger = logging.getLogger("phift.emulator")

_MAX_HEAD_BYTES = 64 * 1024
_HEAD_SECONDS = 60.0
_CONNECT_SECONDS = 20.0
_KEEP_ALIVE_SECONDS = 75
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only, and not permanent: set again at every read


class Proxy:
    """Accepts connections on a loopback port and hands each to the application or to a tunnel."""

    def __init__(self, app: ASGIApp, authority: Authority) -> None:
        config = Config(
            app,
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
        self._tunnels: set[asyncio.Transport] = set()
        self.port = 0

    async def bind(self, port: int) -> None:
        """Binds 127.0.0.1:`port` (0: any free one, then in `port`); raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Entrance(self), "127.0.0.1", port, start_serving=False)
        self.port = self._server.sockets[0].getsockname()[1]

    async def serve(self) -> None:
        """Begins to accept connections on the bound port."""
        assert self._server is not None
        await self._server.start_serving()

    async def close(self, *, seconds: float = 3.0) -> None:
        """Takes no more connections, lets answers under way end for `seconds`, then drops the rest."""
        if self._server:
            self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        for tunnel in list(self._tunnels):
            tunnel.abort()
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
        task.add_done_callback(self._tasks.discard)

    def answer(self, transport: asyncio.Transport, early: bytes) -> None:
        """Hands a connection to the HTTP server, with the bytes that were read from it already."""
        protocol = _Http(self._config, self._state, {"connection": transport})
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if early:
            protocol.data_received(early)

    async def terminate(self, transport: asyncio.Transport, host: str) -> None:
        """Answers a CONNECT to one of Azure's hosts: TLS with a certificate of our own, then HTTP."""
        transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        buffer = _Buffer()
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                buffer,
                self._authority.context(host),
                server_side=True,
                ssl_handshake_timeout=_CONNECT_SECONDS,
            )
        except (OSError, TimeoutError) as error:
            logger.info("TLS handshake for %s failed: %s", host, error)
            transport.abort()
            return
        if secure is None or buffer.lost:
            return
        self.answer(secure, bytes(buffer.data))

    async def tunnel(self, transport: asyncio.Transport, host: str, port: int, head: bytes, *, connect: bool) -> None:
        """Relays bytes to a host that is not Azure's, through the proxy that was set before ours where there is one."""
        loop = asyncio.get_running_loop()
        scheme = "https" if connect else "http"
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                upstream_proxy = _former_proxy(scheme, host, self.port)
                target = (upstream_proxy.host, upstream_proxy.port) if upstream_proxy else (host, port)
                secure = ssl.create_default_context() if upstream_proxy and upstream_proxy.secure else None
                upstream, _ = await loop.create_connection(lambda: _Relay(self, transport), *target, ssl=secure)
        except (OSError, TimeoutError) as error:
            transport.write(_plain(502, f"Cannot reach {host}:{port}: {error or 'timed out'}"))
            transport.close()
            return
        back = _Relay(self, upstream)
        transport.set_protocol(back)
        back.connection_made(transport)
        if upstream_proxy:
            upstream.write(_with_credentials(head, upstream_proxy.authorization))
        elif connect:
            transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            upstream.write(_origin_form(head))
        transport.resume_reading()


class _Http(HttpToolsProtocol):
    """The HTTP server, acknowledging at once: clients send head and body apart and hold the body back until the head
    is acknowledged, which costs 40 ms a request otherwise."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        if _QUICK_ACK is not None and self._socket is not None:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        super().data_received(data)

    def shutdown(self) -> None:
        """As uvicorn's, but a connection at rest ends at once: closing TLS waits for a goodbye that kept connections
        of programs do not send."""
        at_rest = self.cycle is None or self.cycle.response_complete
        if at_rest and not self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().shutdown()


class _Upstream:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        self.host = parts.hostname or ""
        self.secure = parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 8080)
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        self.authorization = f"Basic {base64.b64encode(pair.encode()).decode()}" if pair else ""


def _former_proxy(scheme: str, host: str, own_port: int) -> _Upstream | None:
    """The proxy the environment named when the emulator was started, unless it is this one."""
    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or proxy_bypass(host):
        return None
    upstream = _Upstream(url)
    is_self = upstream.host in {"127.0.0.1", "localhost"} and upstream.port == own_port
    return None if is_self else upstream


def _with_credentials(head: bytes, authorization: str) -> bytes:
    if not authorization:
        return head
    first, _, rest = head.partition(b"\r\n")
    return first + b"\r\nProxy-Authorization: " + authorization.encode() + b"\r\n" + rest


def _origin_form(head: bytes) -> bytes:
    """An absolute-form request as an origin server wants it; one request a connection, since hosts may change."""
    lines, _, body = head.partition(b"\r\n\r\n")
    first, *headers = lines.split(b"\r\n")
    method, url, version = first.split(b" ", 2)
    parts = urlsplit(url.decode("latin-1"))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    kept = [line for line in headers if not line.lower().startswith((b"proxy-", b"connection:"))]
    first = b" ".join((method, path.encode("latin-1"), version))
    return b"\r\n".join([first, *kept, b"Connection: close"]) + b"\r\n\r\n" + body


def _plain(status: int, text: str) -> bytes:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status} phift\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


class _Buffer(asyncio.Protocol):
    """Keeps what arrives between the TLS handshake and the hand-over to the HTTP server."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True


class _Relay(asyncio.Protocol):
    """One direction of a tunnel: what its own transport reads goes to `peer`."""

    def __init__(self, proxy: Proxy, peer: asyncio.Transport) -> None:
        self._proxy = proxy
        self._peer = peer
        self._own: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._own = transport
        self._proxy._tunnels.add(transport)

    def data_received(self, data: bytes) -> None:
        self._peer.write(data)

    def eof_received(self) -> bool:
        if self._peer.can_write_eof() and not self._peer.is_closing():
            self._peer.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._own:
            self._proxy._tunnels.discard(self._own)
        self._peer.close()

    def pause_writing(self) -> None:
        if not self._peer.is_closing():
            self._peer.pause_reading()

    def resume_writing(self) -> None:
        if not self._peer.is_closing():
            self._peer.resume_reading()


class _Entrance(asyncio.Protocol):
    """Reads the head of a new connection's first request and decides where the connection goes."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(_HEAD_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        assert transport is not None
        self._head += data
        if b"\r\n\r\n" not in self._head:
            if len(self._head) > _MAX_HEAD_BYTES:
                self._refuse(431, "The request's headers are larger than 64 KiB.")
            return
        if self._timer:
            self._timer.cancel()
        head = bytes(self._head)
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3:
            self._refuse(400, "This is an HTTP proxy.")
            return
        method, target = words[0], words[1].decode("latin-1")
        if method == b"CONNECT":
            host, _, port = target.rpartition(":")
            if not host or not port.isdigit():
                self._refuse(400, "CONNECT needs host:port.")
            elif _is_azure(host):
                self._proxy.run(self._proxy.terminate(transport, host))
            else:
                transport.pause_reading()
                self._proxy.run(self._proxy.tunnel(transport, host.strip("[]"), int(port), head, connect=True))
            return
        parts = urlsplit(target)
        host = parts.hostname or ""
        own = host_kind(host) is Host.ADMIN and parts.port == self._proxy.port
        if parts.scheme and not own and host_kind(host) is not Host.IMDS:
            transport.pause_reading()
            self._proxy.run(self._proxy.tunnel(transport, host, parts.port or 80, head, connect=False))
            return
        self._proxy.answer(transport, head)

    def _refuse(self, status: int, text: str) -> None:
        assert self._transport is not None
        self._transport.write(_plain(status, text))
        self._transport.close()


def _is_azure(host: str) -> bool:
    return host_kind(host) not in {None, Host.ADMIN, Host.IMDS}
