"""A response that is read while it arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from phift.azure.transport import Http
from phift.errors import AzureError, NotFoundError


class Pieces(BaseHTTPRequestHandler):
    """Sends a piece, waits until it was seen, then sends the rest, or breaks off."""

    protocol_version = "HTTP/1.1"
    seen = threading.Event()
    requests = 0

    def do_POST(self) -> None:
        type(self).requests += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/missing":
            self.send_response(404)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"no")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nfirst\r\n")
        self.seen.wait(30)
        if self.path == "/breaks":
            self.close_connection = True
            return
        self.wfile.write(b"4\r\nlast\r\n0\r\n\r\n")

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Pieces.seen.clear()
    Pieces.requests = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pieces)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Pieces.seen.set()
    server.shutdown()
    server.server_close()
    thread.join(10)


@contextmanager
def streamed(url: str) -> Iterator[Iterator[bytes]]:
    http = Http(None)
    try:
        with http.streamed("POST", url, headers={}, content=b"{}", timeout=30) as answer:
            assert answer.headers["content-type"] == "text/plain"
            yield answer.pieces
    finally:
        http.close()


def test_a_piece_is_there_before_the_next_is_sent(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with streamed(f"{url}/") as pieces:
        assert next(pieces) == b"first"
        Pieces.seen.set()
        assert b"".join(pieces) == b"last"


def test_an_answer_that_breaks_off_is_an_error_and_never_asked_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with streamed(f"{url}/breaks") as pieces:
        assert next(pieces) == b"first"
        Pieces.seen.set()
        with pytest.raises(AzureError):
            next(pieces)
    assert Pieces.requests == 1


def test_an_error_response_is_raised_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(NotFoundError), streamed(f"{url}/missing"):
        pass
    assert Pieces.requests == 1
