"""A web server of the tests on loopback, with certificates of its own authority, for data at https:// addresses."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["Answer", "Proxy", "WebServer", "serving"]

HOSTS = ("data.example.test", "inner.example.test", "localhost")


@dataclass
class Answer:
    """cut: bytes after which the connection ends. length: whether Content-Length is sent. chunked: in two chunks."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    length: bool = True
    chunked: bool = False


@dataclass
class WebServer:
    """answers: by path; a list is used up one a request, its last one stays. seen: (Host, path, headers)."""

    port: int
    authority: Path
    answers: dict[str, Answer | list[Answer]] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = HOSTS[0]) -> str:
        return f"https://{host}:{self.port}{path}"


@contextmanager
def serving(folder: Path) -> Iterator[WebServer]:
    """A server that runs."""
    authority, certificate, key = _certificates(folder)
    answers = WebServer(0, authority)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def log_message(self, format: str, *args: Any) -> None:
            """WebServer.seen is the log."""

        def do_GET(self) -> None:
            answers.seen.append((self.headers["Host"], self.path, dict(self.headers)))
            found = answers.answers.get(self.path.partition("?")[0], Answer(status=404))
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
            self._send(found)

        def _send(self, found: Answer) -> None:
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            if found.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif found.length:
                self.send_header("Content-Length", str(len(found.body)))
            self.close_connection = found.cut is not None or not found.length
            self.end_headers()
            body = found.body if found.cut is None else found.body[: found.cut]
            if found.chunked:
                half = len(body) // 2
                for piece in (body[:half], body[half:]):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                body = b"0\r\n\r\n" if found.cut is None else b""
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients leave early here, as they should: a certificate is not trusted, an answer too long."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    answers.port = server.server_address[1]
    with _running(server.serve_forever):
        yield answers
        server.shutdown()
    server.server_close()


@dataclass
class Proxy:
    """A CONNECT proxy. asked: the places that it was asked for. refuses: answers 403 to all."""

    url: str
    asked: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    refuses: bool = False

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Proxy]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            proxy = cls(f"http://user:word@127.0.0.1:{listener.getsockname()[1]}")
            listener.settimeout(0.1)
            stop = threading.Event()

            def serve() -> None:
                while not stop.is_set():
                    try:
                        client, _ = listener.accept()
                    except TimeoutError:
                        continue
                    threading.Thread(target=proxy._tunnel, args=(client,), daemon=True).start()

            with _running(serve):
                yield proxy
                stop.set()

    def _tunnel(self, client: socket.socket) -> None:
        with client:
            client.settimeout(10)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            place = head.split()[1].decode()
            self.asked.append(place)
            self.headers.append(head.decode())
            if self.refuses:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            host, _, port = place.rpartition(":")
            with socket.create_connection((host, int(port)), timeout=10) as server:
                client.sendall(b"HTTP/1.1 200 Established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join(10)


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the other side has left: the tunnel ends


@contextmanager
def _running(serve: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    thread.join(10)


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """PEM files: the authority's certificate, the server's, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("web authority", HOSTS[0])]
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in names]
    now = datetime.now(UTC)
    files = [folder / "web-authority.pem", folder / "web.pem"]
    for number, (name, key) in enumerate(zip(names, keys, strict=True)):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
        builder = builder.serial_number(number + 1).not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=2))
        builder = builder.add_extension(x509.BasicConstraints(ca=number == 0, path_length=None), critical=True)
        if number:
            hosts = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
            builder = builder.add_extension(hosts, critical=False)
        made = builder.sign(keys[0], hashes.SHA256())
        files[number].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file = folder / "web-key.pem"
    key_file.write_bytes(
        keys[1].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files[0], files[1], key_file
