"""Download from https:// addresses in a spec, which may be untrusted.

A spec must not make phift access the network that it runs in. Every host, including hosts of redirects, is resolved
once; all its addresses must be public, and the connection uses a checked address, not the result of a second lookup.
Certificates and proxies are those of the environment, as for Azure. Credentials are never sent.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from phift import __version__
from phift.clock import Clock, SystemClock
from phift.data.internet import is_public
from phift.data.remote import Folder, invalid
from phift.errors import PhiftError
from phift.spec.addresses import address_fault, shown_address

__all__ = ["Downloaded", "Limits", "WebError", "download"]

USER_AGENT = f"phift/{__version__}"
_PIECE = 1 << 20
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})


class WebError(PhiftError):
    """An address cannot be read. passing: whether a retry may succeed. wait: requested seconds to wait, or None."""

    def __init__(
        self, summary: str, *, detail: str = "", remedy: str = "", passing: bool = False, wait: float | None = None
    ) -> None:
        super().__init__(summary, detail=detail, remedy=remedy)
        self.passing = passing
        self.wait = wait


@dataclass(frozen=True)
class Downloaded:
    """size: bytes. sha256: 64 hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Limits:
    """Limits of a download.

    size: bytes of a file. redirects: in a row. connect, head, read, total: seconds to connect, to the response head,
    without a byte, and in total. attempts: in total; base, cap: seconds of the first and longest pause. longest:
    seconds that a response may ask to wait. allowed: whether connecting to an IP address is allowed.
    """

    size: int = 20 << 30
    redirects: int = 5
    connect: float = 20.0
    head: float = 90.0
    read: float = 60.0
    total: float = 6 * 3600.0
    attempts: int = 5
    base: float = 0.5
    cap: float = 8.0
    longest: float = 60.0
    clock: Clock = field(default_factory=SystemClock)
    resolve: Callable[..., Any] = socket.getaddrinfo
    allowed: Callable[[str], bool] = is_public


def download(
    address: str,
    folder: Folder,
    name: str,
    *,
    progress: Callable[[int], object] = lambda done: None,
    limits: Limits | None = None,
) -> Downloaded:
    """Download a file to a name in a folder, atomically. progress: called with bytes so far.

    Raises InvalidSpecError for an address that is not allowed, WebError for one that cannot be read.
    """
    limits = limits or Limits()
    deadline = limits.clock.monotonic() + limits.total
    for attempt in range(1, limits.attempts + 1):
        try:
            return _once(address, folder, name, progress, limits, deadline)
        except WebError as error:
            if not error.passing or attempt == limits.attempts or (error.wait or 0) > limits.longest:
                raise
            pause = error.wait if error.wait is not None else min(limits.cap, limits.base * 2 ** (attempt - 1))
        limits.clock.sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def _once(
    address: str, folder: Folder, name: str, progress: Callable[[int], object], limits: Limits, deadline: float
) -> Downloaded:
    url = address
    for _ in range(limits.redirects + 1):
        with _answer(url, address, limits) as answer:
            if answer.status in _MOVED:
                url = _next(url, answer.headers.get("Location") or "", address)
                continue
            _require_data(answer, url, address)
            return _body(answer, address, folder, name, progress, limits, deadline)
    raise WebError(f"{address} redirects more than {limits.redirects} times", remedy=_WAY_OUT)


_WAY_OUT = "Download the file and use path: FILE, or register a datastore and use asset: azureml://..."


@contextmanager
def _answer(url: str, asked: str, limits: Limits) -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or 443
    addresses = _checked(host, port, asked, limits)
    connection = _Connection(host, port, addresses, limits)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = host if port == 443 else f"{host}:{port}"
    headers = {"Host": named, "User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    # A socket timeout restarts with each byte.
    patience = threading.Timer(limits.head, connection.give_up)
    patience.daemon = True
    try:
        patience.start()
        with _told(host, asked):
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
        patience.cancel()
        with answer:
            yield answer
    finally:
        patience.cancel()
        connection.close()


@contextmanager
def _told(host: str, asked: str) -> Iterator[None]:
    """Convert network exceptions to WebError."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        remedy = "Behind a TLS-inspecting proxy, set REQUESTS_CA_BUNDLE to its CA bundle."
        raise WebError(
            f"TLS certificate of {host} is not trusted", detail=error.verify_message, remedy=remedy
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        # The error text may contain the URL of a redirect, including a signature.
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise WebError(
            f"cannot connect to {host}", detail=f"{asked}: {why}.", remedy="Re-run the command later.", passing=True
        ) from None


def _checked(host: str, port: int, asked: str, limits: Limits) -> list[str]:
    """Resolve a host to its addresses, all of them allowed. Raises InvalidSpecError and WebError."""
    try:
        found = limits.resolve(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WebError(f"unknown host {host}", detail=f"Requested by {asked}.", remedy="Check the address.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise WebError(f"unknown host {host}", detail=f"Requested by {asked}.", remedy="Check the address.")
    for address in addresses:
        if not limits.allowed(address) and not _is_own_hub(host, port):
            led = "" if urlsplit(asked).hostname == host else f", the target of {asked},"
            number = "" if address == host else f": its address is {address}"
            raise invalid(
                "address",
                f"{host}{led} is not on the internet{number}",
                "phift does not read data from its own network. Download the file and use path: FILE.",
                "path",
            )
    return addresses


def _is_own_hub(host: str, port: int) -> bool:
    """Return whether the host is the hub configured in the environment, which the user trusts, unlike a spec."""
    try:
        own = urlsplit(os.environ.get("HF_ENDPOINT") or "")
        return own.scheme == "https" and (own.hostname, own.port or 443) == (host, port)
    except ValueError:
        return False


def _next(url: str, location: str, asked: str) -> str:
    """Return the target of a redirect. Its query, often a signature, is sent but never shown."""
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
        bare = f"{parts.scheme}://{parts.netloc}{parts.path}"
        fault = address_fault(bare) if location else ("", "")
    except ValueError:
        fault = ("", "")
    if fault is not None or parts.scheme != "https":
        shown = shown_address(bare)[:200] if fault and fault[0] else "an invalid address"
        raise WebError(f"{asked} redirects to {shown}, which is not supported", remedy=_WAY_OUT)
    return target.partition("#")[0]


def _require_data(answer: http.client.HTTPResponse, url: str, asked: str) -> None:
    host = urlsplit(url).hostname
    status = answer.status
    if status in _PASSING:
        wait = _seconds(answer.headers.get("Retry-After"))
        raise WebError(
            f"{host} is busy: HTTP {status}", detail=f"For {asked}.", remedy="Re-run the command later.", passing=True,
            wait=wait,
        )  # fmt: skip
    if status in (401, 403, 407, 409):
        summary = f"{asked} is not public: {host} returned HTTP {status}"
        raise WebError(summary, detail="phift does not send credentials to an address.", remedy=_WAY_OUT)
    if status in (404, 410):
        raise WebError(f"{asked} not found: HTTP {status}", remedy="Check the address.")
    if status != 200:
        raise WebError(f"{host} returned HTTP {status}", detail=f"For {asked}.", remedy=_WAY_OUT)
    if (answer.headers.get("Content-Encoding") or "identity").lower() != "identity":
        raise WebError(f"{host} sent {asked} compressed without a request for it", remedy=_WAY_OUT)
    if answer.headers.get_content_type() == "text/html":
        raise WebError(f"{asked} is a web page, not a file of data", remedy="Use the address of the file itself.")


def _body(
    answer: http.client.HTTPResponse,
    asked: str,
    folder: Folder,
    name: str,
    progress: Callable[[int], object],
    limits: Limits,
    deadline: float,
) -> Downloaded:
    host = str(urlsplit(asked).hostname)
    length = answer.length  # None if chunked, or if only the end of the connection marks the end
    if length is None and not answer.chunked:
        summary = f"{host} did not send the length of {asked}"
        raise WebError(summary, detail="Without it, a truncated download cannot be detected.", remedy=_WAY_OUT)
    if (length or 0) > limits.size:
        raise _too_large(asked, limits)
    folder.need(length or 0)
    hasher, size = hashlib.sha256(), 0
    with folder.writing(name) as out:
        while (wanted := _PIECE if length is None else min(_PIECE, length - size)) > 0:
            with _told(host, asked):
                piece = answer.read1(wanted)
            if not piece:
                break
            size += len(piece)
            if size > limits.size:
                raise _too_large(asked, limits)
            if limits.clock.monotonic() > deadline:
                raise WebError(f"{asked} takes longer than {limits.total / 3600:g} h to download", remedy=_WAY_OUT)
            hasher.update(piece)
            out.write(piece)
            progress(size)
        if length is not None and size != length:
            raise WebError(
                f"the download of {asked} was cut off", detail=f"{size} of {length} bytes received.", passing=True,
                remedy="Re-run the command later.",
            )  # fmt: skip
    if size == 0:
        folder.place(name).unlink(missing_ok=True)
        raise invalid("empty", f"{asked} is empty", "It must contain at least one row.", "path")
    return Downloaded(size, hasher.hexdigest())


def _too_large(asked: str, limits: Limits) -> WebError:
    return WebError(f"{asked} is larger than {limits.size >> 20:,} MiB", remedy=_WAY_OUT)


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None


class _Connection(http.client.HTTPConnection):
    """Connects to a checked address of a host, through the environment's proxy if one is set."""

    def __init__(self, host: str, port: int, addresses: list[str], limits: Limits) -> None:
        super().__init__(host, port, timeout=limits.connect)
        self._addresses = addresses
        self._limits = limits

    def give_up(self) -> None:
        """Abort pending network operations."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def connect(self) -> None:
        proxy = _proxy_for(self.host)
        # Through a proxy, prefer IPv4, which most proxies can reach.
        addresses = sorted(self._addresses, key=lambda a: ":" in a) if proxy else self._addresses
        for number, address in enumerate(addresses, 1):
            try:
                raw = (
                    _through(proxy, address, self.port, self._limits)
                    if proxy
                    else _direct(address, self.port, self._limits)
                )
                break
            except OSError:
                if number == len(addresses):
                    raise
        try:
            self.sock = _certificates().wrap_socket(raw, server_hostname=self.host)
        except BaseException:
            raw.close()
            raise
        self.sock.settimeout(self._limits.read)


def _direct(address: str, port: int, limits: Limits) -> socket.socket:
    return socket.create_connection((address, port), timeout=limits.connect)


def _proxy_for(host: str) -> str:
    proxy = urllib.request.getproxies().get("https") or urllib.request.getproxies().get("all") or ""
    return "" if not proxy or urllib.request.proxy_bypass(host) else proxy


def _through(proxy: str, address: str, port: int, limits: Limits) -> socket.socket:
    """Open a tunnel to an address. Raises OSError, and WebError for an unsupported proxy."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        remedy = "For data at an address, HTTPS_PROXY must be http://HOST:PORT."
        raise WebError(f"unsupported proxy type {parts.scheme}", remedy=remedy)
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", f"User-Agent: {USER_AGENT}"]
    if parts.username:
        named = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(named.encode()).decode()}")
    raw = socket.create_connection((parts.hostname, parts.port or 80), timeout=limits.connect)
    try:
        raw.sendall("\r\n".join([*lines, "", ""]).encode())
        said, until = b"", time.monotonic() + limits.connect
        while b"\r\n\r\n" not in said:
            # Byte by byte: bytes after the head belong to the target host.
            byte = raw.recv(1)
            if not byte or len(said) > 65_536 or time.monotonic() > until:
                raise OSError("the proxy closed the connection")
            said += byte
        status = said.split(b"\r\n", 1)[0].split()[1:2]
        if status != [b"200"]:
            code = status[0].decode("ascii", "replace") if status else "nothing"
            remedy = "Set NO_PROXY for the host, or download the file and use path: FILE."
            raise WebError(f"proxy {parts.hostname} refused to connect to {place}: HTTP {code}", remedy=remedy)
    except BaseException:
        raw.close()
        raise
    return raw


def _certificates() -> ssl.SSLContext:
    import certifi

    named = next((n for n in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(n)), "")
    bundle = os.environ[named] if named else certifi.where()
    try:
        folder = os.path.isdir(bundle)
        return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
    except OSError as error:  # including ssl.SSLError
        why = error.strerror or type(error).__name__
        remedy = f"{named or 'REQUESTS_CA_BUNDLE'} must be a file or folder of PEM certificates."
        raise WebError(f"cannot read the certificates in {bundle}", detail=why, remedy=remedy) from None
