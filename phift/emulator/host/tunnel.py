"""Relaying to hosts that are not Azure's, through the proxy that was set before ours where there is one.

What a client says to this proxy stays here: heads are rewritten, without any Proxy-* header, and a plain HTTP
connection carries one request, since what follows on it may be meant for another host.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httptools

from phift.emulator.host.heads import MAX_HEAD_BYTES, Head, plain_answer

__all__ = ["Tunnels", "answer_and_close"]

logger = logging.getLogger("phift.emulator")

_CONNECT_SECONDS = 20.0
_LINGER_SECONDS = 2.0
_LINGER_BYTES = 64 * 1024 * 1024
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"host"))


class _Unreachable(Exception):
    """Why a host cannot be reached, for the client."""


class Tunnels:
    """The relayed connections of one proxy. own_port: returns the port that the proxy itself listens on."""

    def __init__(self, own_port: Callable[[], int]) -> None:
        self._own_port = own_port
        self.open: set[asyncio.Transport] = set()

    async def relay(self, client: asyncio.Transport, head: Head) -> None:
        """Open the way to where a head leads and relay until either side closes; answer 502 when it cannot."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await (self._connect(client, head) if head.method == "CONNECT" else self._forward(client, head))
        except _Unreachable as error:
            answer_and_close(client, plain_answer(502, str(error)))
        except TimeoutError:
            answer_and_close(client, plain_answer(502, f"Cannot reach {_place(head)}: timed out"))
        except (OSError, ValueError) as error:  # ValueError: names that no resolver takes
            answer_and_close(client, plain_answer(502, f"Cannot reach {_place(head)}: {error}"))

    def close(self) -> None:
        """Cut all of them."""
        for transport in list(self.open):
            transport.abort()

    async def _connect(self, client: asyncio.Transport, head: Head) -> None:
        former = _upstream_proxy("https", head.host, self._own_port())
        if former is None:
            upstream, _ = await _open(lambda: _Relay(self, client, _ESTABLISHED), head.host, head.port)
        else:
            upstream = await self._through(former, client, head)
        _hand_over(client, _Relay(self, upstream), head.early)

    async def _through(self, former: _UpstreamProxy, client: asyncio.Transport, head: Head) -> asyncio.Transport:
        """A tunnel made by the former proxy. Its answer is read here, so that the client does not take a refusal of
        its for one of ours and repeat its credential."""
        waiting = _Answer()
        upstream, _ = await _open(lambda: waiting, former.host, former.port, former.secure)
        try:
            place = _place(head).encode()
            lines = [b"CONNECT " + place + b" HTTP/1.1", b"Host: " + place]
            lines += [b"User-Agent: " + value for value in head.values(b"user-agent")]
            upstream.write(b"\r\n".join([*lines, *former.credential(), b"", b""]))
            status, early = await waiting.head
            if not 200 <= status < 300:
                raise _Unreachable(
                    f"Cannot reach {_place(head)}: the upstream proxy {former.host}:{former.port} answered {status}."
                )
        except BaseException:
            upstream.abort()
            raise
        _hand_over(upstream, _Relay(self, client, _ESTABLISHED), early)
        return upstream

    async def _forward(self, client: asyncio.Transport, head: Head) -> None:
        former = _upstream_proxy("http", head.host, self._own_port())
        target = (former.host, former.port, former.secure) if former else (head.host, head.port, False)
        upstream, _ = await _open(lambda: _OneResponse(self, client), *target)
        _hand_over(client, _OneRequest(self, upstream, head, former), _raw(head))


def answer_and_close(transport: asyncio.Transport, answer: bytes) -> None:
    """Send a last answer and close once the other side has read it: closing at once, with bytes of its request still
    unread, would reset the connection and lose the answer on its way."""
    if transport.is_closing():
        return
    transport.write(answer)
    if transport.can_write_eof():
        transport.write_eof()
    transport.set_protocol(_Draining(transport))
    transport.resume_reading()


def _hand_over(transport: asyncio.Transport, protocol: asyncio.Protocol, early: bytes) -> None:
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    if early:
        protocol.data_received(early)
    transport.resume_reading()


async def _open(
    protocol: Callable[[], asyncio.Protocol], host: str, port: int, secure: bool = False
) -> tuple[asyncio.Transport, asyncio.Protocol]:
    context = ssl.create_default_context() if secure else None
    return await asyncio.get_running_loop().create_connection(protocol, host, port, ssl=context)


def _place(head: Head) -> str:
    return f"[{head.host}]:{head.port}" if ":" in head.host else f"{head.host}:{head.port}"


class _UpstreamProxy:
    """The proxy that the environment named when the emulator was started."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        self.host = parts.hostname or ""
        self.secure = parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 8080)
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
        self._authorization = b"Basic " + base64.b64encode(pair.encode()) if pair else b""

    def credential(self) -> list[bytes]:
        return [b"Proxy-Authorization: " + self._authorization] if self._authorization else []


def _upstream_proxy(scheme: str, host: str, own_port: int) -> _UpstreamProxy | None:
    """The proxy the environment named when the emulator was started, unless it is this one."""
    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or proxy_bypass(host):
        return None
    try:
        former = _UpstreamProxy(url)
    except ValueError as error:
        raise _Unreachable(
            f"The URL of the upstream proxy, which the emulator was started with in {scheme}_proxy, is invalid."
        ) from error
    is_self = former.host in {"127.0.0.1", "localhost"} and former.port == own_port
    return None if is_self else former


class _Draining(asyncio.Protocol):
    """Drops what still comes until the other side closes, for a while."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._seen = 0
        asyncio.get_running_loop().call_later(_LINGER_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        self._seen += len(data)
        if self._seen > _LINGER_BYTES:
            self._transport.abort()


class _Relay(asyncio.Protocol):
    """One direction of a tunnel: what its own transport reads goes to `peer`, after `greeting`."""

    def __init__(self, tunnels: Tunnels, peer: asyncio.Transport, greeting: bytes = b"") -> None:
        self._tunnels = tunnels
        self._peer = peer
        self._greeting = greeting
        self._own: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._own = transport
        self._tunnels.open.add(transport)
        if self._peer.is_closing():
            transport.abort()
        elif self._greeting:
            self._peer.write(self._greeting)

    def data_received(self, data: bytes) -> None:
        self._peer.write(data)

    def eof_received(self) -> bool:
        if self._peer.can_write_eof() and not self._peer.is_closing():
            self._peer.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._own:
            self._tunnels.open.discard(self._own)
        self._peer.close()

    def pause_writing(self) -> None:
        if not self._peer.is_closing():
            self._peer.pause_reading()

    def resume_writing(self) -> None:
        if not self._peer.is_closing():
            self._peer.resume_reading()


class _Answer(asyncio.Protocol):
    """Reads the head of a proxy's answer to CONNECT: its status, and the bytes behind it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.head: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if self.head.done():
            return
        text, end, early = bytes(self._data).partition(b"\r\n\r\n")
        if end and self._transport:
            self._transport.pause_reading()
            words = text.split(b"\r\n", 1)[0].split(b" ")
            status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
            self.head.set_result((status, early))
        elif len(self._data) > MAX_HEAD_BYTES:
            self.head.set_exception(OSError("the upstream proxy does not speak HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.head.done():
            self.head.set_exception(OSError("the upstream proxy closed the connection"))


class _OneRequest(_Relay):
    """From a client: one request, in the form that the other side takes. What follows it is dropped, as the answer
    says that the connection closes."""

    def __init__(self, tunnels: Tunnels, peer: asyncio.Transport, head: Head, former: _UpstreamProxy | None) -> None:
        super().__init__(tunnels, peer)
        self._head = head
        self._former = former
        self._chunked = False
        self._complete = False
        self._parser: Any = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        if self._complete:
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._complete:
                self._peer.abort()
                if self._own:
                    answer_and_close(self._own, plain_answer(400, "The request is malformed."))

    def eof_received(self) -> bool:
        if not self._complete:
            self._peer.abort()
        return self._complete

    # parser

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        head = self._head
        codings = [value.lower() for value in head.values(b"transfer-encoding")]
        self._chunked = codings == [b"chunked"]
        named = {name.strip().lower() for value in head.values(b"connection") for name in value.split(b",")}
        place = _place(head).removesuffix(":80").encode()
        target = (b"http://" + place if self._former else b"") + head.path.encode()
        lines = [head.method.encode() + b" " + target + b" HTTP/1.1", b"Host: " + place, b"Connection: close"]
        lines += [
            name + b": " + value
            for name, value in head.headers
            if (key := name.lower()) not in _HOP_BY_HOP and key not in named and not key.startswith(b"proxy-")
        ]
        lines += [b"Transfer-Encoding: chunked"] if self._chunked else []
        lines += self._former.credential() if self._former else []
        self._peer.write(b"\r\n".join([*lines, b"", b""]))

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._peer.write(b"%x\r\n%s\r\n" % (len(body), body) if self._chunked else body)

    def on_message_complete(self) -> None:
        if not self._complete and self._chunked:
            self._peer.write(b"0\r\n\r\n")
        self._complete = True


class _OneResponse(_Relay):
    """To a client: one response, whose head says that the connection closes."""

    def __init__(self, tunnels: Tunnels, peer: asyncio.Transport) -> None:
        super().__init__(tunnels, peer)
        self._data = bytearray()
        self._begun = False

    def data_received(self, data: bytes) -> None:
        if self._begun:
            self._peer.write(data)
            return
        self._data += data
        while not self._begun and b"\r\n\r\n" in self._data:
            text, _, rest = bytes(self._data).partition(b"\r\n\r\n")
            first, *lines = text.split(b"\r\n")
            interim = first.split(b" ")[1:2] == [b"100"]
            kept = [
                line
                for line in lines
                if line.partition(b":")[0].strip().lower() not in (b"connection", b"keep-alive", b"proxy-connection")
            ]
            self._peer.write(b"\r\n".join([first, *kept, *([] if interim else [b"Connection: close"]), b"", b""]))
            self._data = bytearray(rest)
            self._begun = not interim
        if self._begun:
            self._peer.write(bytes(self._data))
            self._data.clear()
        elif len(self._data) > MAX_HEAD_BYTES and self._own:
            self._own.abort()
            answer_and_close(self._peer, plain_answer(502, "The host sent an invalid response."))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._begun:
            super().connection_lost(exc)
            return
        if self._own:
            self._tunnels.open.discard(self._own)
        answer_and_close(self._peer, plain_answer(502, "The host closed the connection without a response."))


def _raw(head: Head) -> bytes:
    """The head as bytes again, with what came behind it."""
    lines = [f"{head.method} {head.target} HTTP/1.1".encode()]
    lines += [name + b": " + value for name, value in head.headers]
    return b"\r\n".join([*lines, b"", b""]) + head.early
