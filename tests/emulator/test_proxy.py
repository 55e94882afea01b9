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

from phift.emulator.host import lifecycle
from phift.emulator.host.gate import Gate
from phift.emulator.host.home import Home
from tests.emulator.client import Azure
from tests.emulator.wire import credential, dialogue, everything, until


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
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


def basic(pair: str) -> bytes:
    return b"Proxy-Authorization: Basic " + base64.b64encode(pair.encode()) + b"\r\n"


BEGINNINGS = {
    "a tunnel to Azure": b"CONNECT management.azure.com:443 HTTP/1.1\r\nHost: management.azure.com:443\r\n",
    "a tunnel to another host": b"CONNECT example.org:443 HTTP/1.0\r\n",
    "another host": b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n",
    "a managed identity": b"GET http://169.254.169.254/metadata/identity/oauth2/token?resource=x HTTP/1.1\r\n"
    b"Host: 169.254.169.254\r\nMetadata: true\r\n",
    "Azure in the open": b"GET /subscriptions HTTP/1.1\r\nHost: management.azure.com\r\n",
    "an admin request": b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "an upload": b"POST http://example.org/ HTTP/1.1\r\nHost: example.org\r\nContent-Length: 1000000\r\n",
}
NO_CREDENTIALS = {
    "nothing": b"",
    "another secret": basic("phift:" + 32 * "0"),
    "another user": None,
    "an empty pair": basic(":"),
    "no scheme": b"Proxy-Authorization: phift\r\n",
    "a bearer": b"Proxy-Authorization: Bearer abc\r\n",
    "not base64": b"Proxy-Authorization: Basic \xff\xfe!\r\n",
    "two": None,
    "under another name": None,
}


@pytest.mark.parametrize("who", NO_CREDENTIALS)
@pytest.mark.parametrize("what", BEGINNINGS)
def test_nobody_is_served_without_the_secret(azure: Azure, what: str, who: str) -> None:
    good = credential(azure)
    lines = NO_CREDENTIALS[who]
    if lines is None:
        secret = azure.connection.proxy_url.partition("@")[0].rpartition(":")[2]
        lines = {
            "another user": basic(f"admin:{secret}"),
            "two": good + good,
            "under another name": good.removeprefix(b"Proxy-"),
        }[who]
    with dialogue(azure) as channel:
        channel.sendall(BEGINNINGS[what] + lines + b"\r\n" + (b"x" * 1_000_000 if what == "an upload" else b""))
        answer = everything(channel)
    assert answer.startswith(b"HTTP/1.1 407 Proxy Authentication Required\r\n")
    assert b'\r\nProxy-Authenticate: Basic realm="phift"\r\n' in answer.replace(b"proxy-a", b"Proxy-A")
    identity = Home(Path(azure.admin("GET", "/status")["home"])).identity()
    for told in (identity.storage_account, identity.subscription_id, identity.tenant_id, identity.proxy_secret):
        assert told.encode() not in answer


def test_a_gate_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="admits everybody"):
        Gate("")


def test_each_request_on_a_plain_connection_needs_it(azure: Azure) -> None:
    admin = b"GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    with dialogue(azure) as channel:
        channel.sendall(admin + credential(azure) + b"\r\n")
        assert until(channel, b"}").startswith(b"HTTP/1.1 200")
        channel.sendall(admin + b"\r\n")
        assert everything(channel).startswith(b"HTTP/1.1 407")


def test_refusals_are_logged_once_a_minute_and_nothing_of_them(azure: Azure) -> None:
    home = Path(azure.admin("GET", "/status")["home"])
    before = (home / "logs" / "daemon.log").read_text().count("credential of this home (407)")
    for _ in range(3):
        with dialogue(azure) as channel:
            channel.sendall(BEGINNINGS["an admin request"] + basic("phift:guess") + b"\r\n")
            assert b" 407 " in everything(channel)
    log = (home / "logs" / "daemon.log").read_text()
    assert log.count("credential of this home (407)") <= max(1, before)
    assert "Basic" not in log
    assert "Basic" not in (home / "logs" / "requests.log").read_text()


def test_plain_http_to_others_is_forwarded_without_the_secret(azure: Azure) -> None:
    with other_server() as port:
        answer = azure.session.get(f"http://127.0.0.1:{port}/some/path?q=1", headers={"X-Own": "1"})
        assert answer.json()["path"] == "/some/path?q=1"
        sent = answer.json()["headers"]
        assert (sent["host"], sent["x-own"], sent["connection"]) == (f"127.0.0.1:{port}", "1", "close")
        assert not any(name.startswith("proxy-") for name in sent)
        assert "x-phift-emulator" not in answer.headers
        assert answer.headers["connection"] == "close"


@contextmanager
def recorder() -> Iterator[socket.socket]:
    """A server that the test plays itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


@pytest.mark.parametrize("chunked", [False, True])
def test_a_forwarded_body_arrives_and_what_follows_it_does_not(azure: Azure, chunked: bool) -> None:
    """A second request on the connection may be meant for another host, and carries the secret."""
    with recorder() as server, dialogue(azure) as channel:
        host = f"127.0.0.1:{server.getsockname()[1]}".encode()
        about = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: 10\r\n"
        body = b"4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n" if chunked else b"0123456789"
        head = b"POST http://" + host + b"/p HTTP/1.1\r\nHost: " + host + b"\r\n" + credential(azure)
        head += b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n" + about + b"\r\n"
        second = b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n" + credential(azure) + b"\r\n"
        channel.sendall(head + body[:7])
        upstream, _ = server.accept()
        with upstream:
            upstream.settimeout(10)
            got = upstream.recv(65536)
            channel.sendall(body[7:] + second)
            while not got.endswith(b"0\r\n\r\n" if chunked else b"789"):
                got += upstream.recv(65536)
            assert got.startswith(b"POST /p HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n")
            upstream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            upstream.sendall(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok")
            assert until(channel, b"ok").endswith(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
            )
            upstream.settimeout(0.3)
            with pytest.raises(TimeoutError):
                upstream.recv(1)
    for never in (b"Proxy-Authorization", b"X-Hop", b"TE:", b"example.org"):
        assert never.lower() not in got.lower()


def test_connect_to_others_is_tunnelled(azure: Azure) -> None:
    with other_server() as port:
        channel = http.client.HTTPConnection("127.0.0.1", azure.connection.port, timeout=60)
        channel.set_tunnel("127.0.0.1", port, azure.connection.proxy_headers)
        channel.request("GET", "/through")
        told = json.loads(channel.getresponse().read())
        assert told["path"] == "/through"
        assert "proxy-authorization" not in told["headers"]
        channel.close()


def test_bytes_behind_a_connect_are_not_lost(azure: Azure) -> None:
    with recorder() as server, dialogue(azure) as channel:
        host = f"127.0.0.1:{server.getsockname()[1]}".encode()
        channel.sendall(b"CONNECT " + host + b" HTTP/1.1\r\n" + credential(azure) + b"\r\nearly")
        upstream, _ = server.accept()
        with upstream:
            upstream.settimeout(10)
            assert until(upstream, b"early") == b"early"
            upstream.sendall(b"late")
            assert until(channel, b"late") == b"HTTP/1.1 200 Connection established\r\n\r\nlate"


@pytest.fixture
def chained(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Azure, socket.socket]]:
    """An emulator that was started where a proxy was set, which the test plays."""
    with recorder() as former:
        url = f"http://me:p%40ss@127.0.0.1:{former.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, url)
            monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv("NO_PROXY", "localhost")
        yield Azure(lifecycle.ensure(home)), former


def test_the_proxy_that_was_set_before_is_used_for_others(chained: tuple[Azure, socket.socket]) -> None:
    azure, former = chained
    with dialogue(azure) as client:
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n" + credential(azure) + b"\r\n")
        upstream, _ = former.accept()
        with upstream:
            upstream.settimeout(10)
            head = until(upstream, b"\r\n\r\n")
            assert head.startswith(b"CONNECT example.org:443 HTTP/1.1\r\n")
            assert head.count(b"Proxy-Authorization") == 1
            assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss") in head
            upstream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\nhi")
            assert until(client, b"hi") == b"HTTP/1.1 200 Connection established\r\n\r\nhi"
            client.sendall(b"hello")
            assert upstream.recv(10) == b"hello"
            upstream.sendall(b"world")
        assert client.recv(10) == b"world"


def test_its_refusal_is_told_as_its_own(chained: tuple[Azure, socket.socket]) -> None:
    """As a 407 of ours it would make the client repeat our secret, to the other proxy."""
    azure, former = chained
    with dialogue(azure) as client:
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\n" + credential(azure) + b"\r\n")
        upstream, _ = former.accept()
        with upstream:
            upstream.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
            answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"the upstream proxy 127.0.0.1:" in answer
    assert b"p@ss" not in answer


def test_plain_http_through_it_carries_its_credential_and_not_ours(chained: tuple[Azure, socket.socket]) -> None:
    azure, former = chained
    with dialogue(azure) as client:
        lines = b"GET http://u:p@example.org/a?b HTTP/1.1\r\nHost: example.org\r\n" + credential(azure) + b"\r\n"
        client.sendall(lines + lines)
        upstream, _ = former.accept()
        with upstream:
            upstream.settimeout(10)
            head = until(upstream, b"\r\n\r\n")
            upstream.sendall(b"HTTP/1.1 204 Nothing\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 204 Nothing\r\nConnection: close\r\n")
            upstream.settimeout(0.3)
            with pytest.raises(TimeoutError):
                upstream.recv(1)
    assert head.startswith(b"GET http://example.org/a?b HTTP/1.1\r\n")
    assert head.count(b"\r\n\r\n") == 1
    assert head.count(b"Proxy-Authorization") == 1
    assert base64.b64encode(b"me:p@ss") in head


def test_a_former_proxy_that_is_no_url_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@127.0.0.1:no")
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "localhost")
    azure = Azure(lifecycle.ensure(home))
    with dialogue(azure) as client:
        client.sendall(b"CONNECT example.org:443 HTTP/1.1\r\n" + credential(azure) + b"\r\n")
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"https_proxy" in answer
    assert b"hidden" not in answer


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


def test_giant_headers_and_bodies_are_refused_inside_a_tunnel_too(azure: Azure) -> None:
    answer = azure.session.get("https://management.azure.com/", headers={"x-large": "a" * 70_000})
    assert answer.status_code == 431
    token = {"Authorization": f"Bearer {azure.token()}"}
    url = f"https://management.azure.com{azure.workspace}/data/d/versions/1?api-version=2023-04-01"
    answer = azure.session.put(url, data=b" " * (33 * 1024 * 1024), headers=token)
    assert answer.status_code == 413


def test_admin_is_reached_on_the_port_alone(azure: Azure) -> None:
    base = f"http://127.0.0.1:{azure.connection.port}"
    own = azure.connection.proxy_headers
    assert requests.get(f"{base}/status", timeout=60, proxies={"http": ""}).status_code == 407
    assert requests.get(f"{base}/status", timeout=60, headers=own, proxies={"http": ""}).status_code == 200
    assert azure.session.get(f"{base}/status").status_code == 200
    assert azure.session.get("https://management.azure.com/status").status_code == 404
    for name in ("127.0.0.1", "localhost"):
        inside = azure.session.get("https://management.azure.com/status", headers={"Host": name})
        assert inside.status_code == 421
    evil = {**own, "Host": "evil.example"}
    assert requests.get(f"{base}/status", timeout=60, headers=evil, proxies={"http": ""}).status_code == 421
