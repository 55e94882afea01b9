"""Bytes to and from the proxy, below every HTTP client."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from tests.emulator.client import Azure


@contextmanager
def dialogue(azure: Azure) -> Iterator[socket.socket]:
    """A bare connection to the proxy."""
    with socket.create_connection(("127.0.0.1", azure.connection.port), timeout=60) as channel:
        yield channel


@contextmanager
def tunnel(azure: Azure, host: str = "management.azure.com") -> Iterator[ssl.SSLSocket]:
    """A connection to one of Azure's hosts."""
    trust = ssl.create_default_context(cafile=azure.connection.ca_file)
    with dialogue(azure) as channel:
        channel.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n".encode() + credential(azure) + b"\r\n")
        assert until(channel, b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        with trust.wrap_socket(channel, server_hostname=host) as inside:
            yield inside


def everything(channel: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    while more := channel.recv(65536):
        received += more
    return received


def credential(azure: Azure) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in azure.connection.proxy_headers.items())


def until(channel: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        more = channel.recv(65536)
        assert more, received
        received += more
    return received
