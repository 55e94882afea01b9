"""The proxy: Azure's hosts answered here, others tunnelled, admin kept apart."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from phift.emulator import lifecycle
from tests.emulator.conftest import Azure


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "host": self.headers["Host"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@contextmanager
def other_server() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def port_of(azure: Azure) -> int:
    return int(azure.connection.proxy_url.rpartition(":")[2])


def test_plain_http_to_others_is_forwarded(azure: Azure) -> None:
    with other_server() as port:
        answer = azure.session.get(f"http://127.0.0.1:{port}/some/path?q=1")
        assert answer.json() == {"path": "/some/path?q=1", "host": f"127.0.0.1:{port}"}
        assert "x-phift-emulator" not in answer.headers


def test_connect_to_others_is_tunnelled(azure: Azure) -> None:
    with other_server() as port:
        channel = http.client.HTTPConnection("127.0.0.1", port_of(azure), timeout=10)
        channel.set_tunnel("127.0.0.1", port)
        channel.request("GET", "/through")
        assert json.loads(channel.getresponse().read())["path"] == "/through"
        channel.close()


def test_the_proxy_that_was_set_before_is_used_for_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as former:
        port = former.getsockname()[1]
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "localhost")
        monkeypatch.delenv("https_proxy", raising=False)
        own = int(lifecycle.ensure(home).proxy_url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", own), timeout=10) as client:
            client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
            former.settimeout(10)
            upstream, _ = former.accept()
            with upstream:
                head = upstream.recv(4096)
                assert head.startswith(b"CONNECT example.org:443 HTTP/1.1\r\n")
                assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss") in head
                upstream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.1 200")
                client.sendall(b"hello")
                assert upstream.recv(10) == b"hello"
                upstream.sendall(b"world")
            assert client.recv(10) == b"world"


def test_an_unreachable_host_is_a_502_with_its_name(azure: Azure) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = azure.session.get(f"http://127.0.0.1:{port}/")
    assert answer.status_code == 502
    assert f"Cannot reach 127.0.0.1:{port}" in answer.text


def test_every_answer_says_that_it_is_emulated(azure: Azure) -> None:
    assert azure.call("GET", "").headers["x-phift-emulator"]
    assert azure.call("GET", "nothing/here").headers["x-phift-emulator"]
    assert azure.session.get("https://x.in.applicationinsights.azure.com/v2/track").json()["errors"] == []


def test_garbage_and_giant_heads_are_refused(azure: Azure) -> None:
    for sent, status in ((b"hello\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, b"431")):
        with socket.create_connection(("127.0.0.1", port_of(azure)), timeout=10) as channel:
            channel.sendall(sent)
            assert channel.recv(100).split(b" ")[1] == status


def test_giant_headers_and_bodies_are_refused_inside_a_tunnel_too(azure: Azure) -> None:
    answer = azure.session.get("https://management.azure.com/", headers={"x-large": "a" * 70_000})
    assert answer.status_code == 431
    token = {"Authorization": f"Bearer {azure.token()}"}
    url = f"https://management.azure.com{azure.workspace}/data/d/versions/1?api-version=2023-04-01"
    answer = azure.session.put(url, data=b" " * (33 * 1024 * 1024), headers=token)
    assert answer.status_code == 413


def test_admin_needs_its_token_and_is_not_reached_through_azure_names(azure: Azure) -> None:
    base = azure.connection.proxy_url
    assert requests.get(f"{base}/status", timeout=10, proxies={"http": ""}).status_code == 401
    good = {"Authorization": f"Bearer {azure.connection.admin_token}"}
    assert requests.get(f"{base}/status", timeout=10, headers=good, proxies={"http": ""}).status_code == 200
    assert azure.session.get("https://management.azure.com/status", headers=good).status_code == 404
    evil = {**good, "Host": "evil.example"}
    assert requests.get(f"{base}/status", timeout=10, headers=evil, proxies={"http": ""}).status_code == 421
