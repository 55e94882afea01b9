"""Requests that are none: refused in words, never dropped, and nothing of them in the log."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.emulator.client import Azure
from tests.emulator.wire import credential, dialogue, everything, tunnel, until

MALFORMED = {
    "words": (b"hello\r\n\r\n", 400),
    "a handshake": (b"\x16\x03\x01\x02\x00", 400),
    "a port beyond all": (b"CONNECT h:99999999999 HTTP/1.1\r\nCREDENTIAL\r\n", 400),
    "port 0": (b"CONNECT h:0 HTTP/1.1\r\nCREDENTIAL\r\n", 400),
    "no port": (b"CONNECT management.azure.com HTTP/1.1\r\nCREDENTIAL\r\n", 400),
    "a host of dots": (b"CONNECT a..blob.core.windows.net:443 HTTP/1.1\r\nCREDENTIAL\r\n", 400),
    "a long label": (b"CONNECT " + b"a" * 64 + b".blob.core.windows.net:443 HTTP/1.1\r\nCREDENTIAL\r\n", 400),
    "a host that is none": (b"CONNECT \xc3\xa4.blob.core.windows.net:443 HTTP/1.1\r\nCREDENTIAL\r\n", 400),
    "a port in letters": (b"GET http://h:abc/ HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n", 400),
    "half an address": (b"GET http://[::1/ HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n", 400),
    "another scheme": (b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\nCREDENTIAL\r\n", 400),
    "a target in UTF-8": (b"GET /\xc3\xa4 HTTP/1.1\r\nHost: 127.0.0.1\r\nCREDENTIAL\r\n", 400),
    "a folded header": (b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\nCREDENTIAL\r\n", 400),
    "a header of blanks": (b"GET /status HTTP/1.1\r\n : x\r\nCREDENTIAL\r\n", 400),
    "a host of brackets": (b"GET /status HTTP/1.1\r\nHost: [\r\nCREDENTIAL\r\n", 400),
    "two hosts": (b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: localhost\r\nCREDENTIAL\r\n", 400),
    "another protocol": (b"GET / SPDY/3\r\nCREDENTIAL\r\n", 400),
    "an early tunnel": (b"CONNECT management.azure.com:443 HTTP/1.1\r\nCREDENTIAL\r\n\x16\x03\x01", 400),
    "a giant head": (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
    "two lengths": (b"GET /status HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nCREDENTIAL\r\nab", 400),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_is_refused_and_never_dropped(azure: Azure, what: str) -> None:
    sent, status = MALFORMED[what]
    log = Path(azure.admin("GET", "/status")["home"]) / "logs" / "daemon.log"
    before = log.read_text().count("Traceback")
    with dialogue(azure) as channel:
        channel.sendall(sent.replace(b"CREDENTIAL\r\n", credential(azure) + b"\r\n"))
        assert everything(channel).startswith(b"HTTP/1.1 %d " % status)
    assert log.read_text().count("Traceback") == before


def test_a_request_that_is_cut_off_is_told(azure: Azure) -> None:
    with dialogue(azure) as channel:
        channel.sendall(b"GET /status HTTP/1.1\r\nHost:")
        channel.shutdown(socket.SHUT_WR)
        assert everything(channel).startswith(b"HTTP/1.1 400 ")


INSIDE = {
    "words": b"hello\r\n\r\n",
    "a target in UTF-8": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: management.azure.com\r\n\r\n",
    "a query in UTF-8": b"GET /?a=\xc3\xa4 HTTP/1.1\r\nHost: management.azure.com\r\n\r\n",
    "a host of brackets": b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "a port in letters": b"GET / HTTP/1.1\r\nHost: management.azure.com:x\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: management.azure.com\r\nHost: ml.azure.com\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length in letters": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\nab",
    "chunks that are none": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "junk and much of it": b"\x00" * 300_000,
}


@pytest.mark.parametrize("what", INSIDE)
def test_inside_a_tunnel_too(azure: Azure, what: str) -> None:
    log = Path(azure.admin("GET", "/status")["home"]) / "logs" / "daemon.log"
    before = log.read_text().count("Traceback")
    with tunnel(azure) as channel:
        channel.sendall(INSIDE[what])
        assert everything(channel).startswith(b"HTTP/1.1 400 ")
    assert log.read_text().count("Traceback") == before


def test_what_follows_a_good_request_is_refused_by_itself(azure: Azure) -> None:
    with tunnel(azure) as channel:
        channel.sendall(b"GET /x HTTP/1.1\r\nHost: management.azure.com\r\n\r\n")
        assert until(channel, b"}").startswith(b"HTTP/1.1 404 ")
        channel.sendall(b"junk\r\n\r\n")
        assert b"HTTP/1.1 400 " in everything(channel)


def test_a_connection_that_asked_for_a_managed_identity_closes(azure: Azure) -> None:
    """A client keeps one connection to a proxy for all plain HTTP: an answer for one host does not keep it."""
    with dialogue(azure) as channel:
        head = b"GET http://169.254.169.254/metadata/instance HTTP/1.1\r\nHost: 169.254.169.254\r\n"
        channel.sendall(head + credential(azure) + b"\r\n")
        assert b"connection: close\r\n" in everything(channel)
