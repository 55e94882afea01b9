"""The head of a request as it arrives at the proxy's port: where it is meant to go, and with which headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urlsplit

__all__ = ["MAX_HEAD_BYTES", "BadHead", "Head", "is_host", "plain_answer"]

MAX_HEAD_BYTES = 64 * 1024
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(rb"[\x21-\x7e]+")
_NAME = re.compile(r"(?!.{254})(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+")


class BadHead(ValueError):
    """The bytes are not a request that a proxy can act on; the text says why, for the sender."""


@dataclass(frozen=True)
class Head:
    """A request's head. headers: pairs as they were sent. early: the bytes that came behind it.

    scheme: of the target, "" when it is a path alone. host: of the target, without brackets, "" when it has none.
    """

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    early: bytes
    scheme: str = ""
    host: str = ""
    port: int = 0
    path: str = "/"

    @classmethod
    def parse(cls, data: bytes) -> Head:
        """The head in `data`, which holds a whole one. Raises BadHead."""
        text, _, early = data.partition(b"\r\n\r\n")
        first, *lines = text.split(b"\r\n")
        words = first.split(b" ")
        if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not words[2].startswith(b"HTTP/1."):
            raise BadHead("This is an HTTP proxy.")
        if not _VISIBLE.fullmatch(words[1]):
            raise BadHead("The request target contains characters that must be percent-encoded.")
        headers = []
        for line in lines:
            name, colon, value = line.partition(b":")
            if not colon or not _TOKEN.fullmatch(name):  # folded lines and blanks before the colon too (RFC 9112, 5)
                raise BadHead("A header line is malformed.")
            headers.append((name, value.strip(b" \t")))
        method, target = words[0].decode(), words[1].decode()
        where = _authority(target) if method == "CONNECT" else _absolute(target)
        return cls(method, target, tuple(headers), early, *where)

    def values(self, name: bytes) -> list[bytes]:
        """The values of a header. name: in lower case."""
        return [value for each, value in self.headers if each.lower() == name]


@lru_cache(maxsize=256)
def is_host(value: bytes) -> bool:
    """Whether a Host header is a host name or address, with a port or without one."""
    host, colon, port = value.decode("latin-1").rpartition(":")
    if not colon or port.endswith("]"):
        host, port = value.decode("latin-1"), "80"
    try:
        _host(host)
        _port(port)
    except BadHead:
        return False
    return True


def plain_answer(status: int, text: str) -> bytes:
    """An answer of the proxy's own, in plain text, after which the connection closes."""
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def _authority(target: str) -> tuple[str, str, int, str]:
    host, _, port = target.rpartition(":")
    if not host or not port:
        raise BadHead("CONNECT needs host:port.")
    return "https", _host(host), _port(port), ""


def _absolute(target: str) -> tuple[str, str, int, str]:
    if target.startswith("/") or target == "*":
        return "", "", 0, target
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
    except ValueError as error:
        raise BadHead(f"The URL is malformed: {error}.") from error
    if parts.scheme != "http" or not host:
        raise BadHead("This proxy takes http://host/path, CONNECT host:port and its own admin requests.")
    authority = parts.netloc.rpartition("@")[2]
    port = _port(authority.rpartition(":")[2] or "80") if ":" in authority.rpartition("]")[2] else 80
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "http", _host(f"[{host}]" if ":" in host else host), port, path


def _host(text: str) -> str:
    if text.startswith("[") and text.endswith("]") and _IPV6.fullmatch(text[1:-1]):
        return text[1:-1].lower()
    if not _NAME.fullmatch(text):
        raise BadHead("The host name is malformed.")
    return text.lower()


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise BadHead("The port must be a number from 1 to 65535.")
    return int(text)
