"""Network access: one connection pool, one pipeline per token scope, and a check against talking to the wrong Azure."""

from __future__ import annotations

import copy
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import quote, urlencode

from phift import __version__
from phift.azure.attendance import Attendant
from phift.azure.credentials import CachedCredential
from phift.azure.errors import from_exception, from_response
from phift.azure.pool import pooled
from phift.azure.retry import Retry
from phift.azure.service_clock import ServiceClock
from phift.errors import AuthenticationError, AzureError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline import Pipeline
    from azure.core.pipeline.transport import HttpTransport

__all__ = ["EMULATED_CLOUD", "EMULATOR_HEADER", "Http", "Response", "Route", "Streamed", "with_query"]

EMULATOR_HEADER = "x-phift-emulator"
EMULATED_CLOUD = "PHIFT_EMULATED_CLOUD"
"""Environment variable: `1` lets the emulator answer for a cloud target, to rehearse a spec before it reaches Azure."""
USER_AGENT = f"phift/{__version__}"
CONNECT_TIMEOUT = 20
READ_TIMEOUT = 120


Sign = Callable[[str, str, Mapping[str, str]], tuple[str, Mapping[str, str]]]


class Route(Protocol):
    """The route to the emulator; a cloud connection has none."""

    @property
    def proxy_url(self) -> str: ...
    @property
    def ca_file(self) -> Path | str: ...


@dataclass(frozen=True)
class Response:
    """A response below 400. headers: case-insensitive names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Streamed:
    """A response below 400 whose content has not been read. headers: case-insensitive names. pieces: its content, in
    pieces as they arrive; raises AzureError if it breaks off."""

    headers: Mapping[str, str] = field(repr=False)
    pieces: Iterator[bytes] = field(repr=False)


class _Call(NamedTuple):
    """One request, as `Http.send` describes it."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    timeout: float
    scope: str = ""
    sign: Sign | None = None


class Http:
    """Sends requests and raises only phift errors; thread-safe.

    route: the route to the emulator; proxies and certificates of the environment are then ignored. None means the
    cloud, with the user's proxy settings. transport: replaces the network in tests.
    """

    def __init__(
        self,
        credential: TokenCredential | None,
        route: Route | None = None,
        *,
        retry: Retry | None = None,
        transport: HttpTransport[Any, Any] | None = None,
    ) -> None:
        self.local = route is not None
        self.retry = retry or Retry()
        self.service_clock = ServiceClock()
        self._credential = credential
        self._options: dict[str, Any] = {"connection_timeout": CONNECT_TIMEOUT}
        if route is not None:
            self._options["proxies"] = {"http": route.proxy_url, "https": route.proxy_url}
        self._transport = transport or pooled(None if route is None else route.ca_file)
        self._pipelines: dict[str, Pipeline[Any, Any]] = {}
        self._lock = threading.Lock()

    def send(
        self,
        method: str,
        url: str,
        *,
        scope: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        repeatable: bool | None = None,
        sign: Sign | None = None,
        timeout: float = READ_TIMEOUT,
    ) -> Response:
        """Send one request, retrying where safe, and return the response.

        scope: of the bearer token; empty sends none. repeatable: whether the request is idempotent; by default all
        but POST. sign: called with (method, url, headers) before each attempt, returns the final (url, headers); for
        keys and signatures, which contain a date. timeout: seconds without a byte. Raises the matching AzureError.
        """
        again = method != "POST" if repeatable is None else repeatable
        call = _Call(method, url, headers or {}, content, timeout, scope, sign)

        def attempt() -> Response:
            return self.retry.call(lambda: self._whole(call), repeatable=again)

        try:
            return attempt()
        except AuthenticationError as error:
            # A token can become invalid early: revoked, or due to a wrong clock. Rejected requests had no effect.
            if error.status != 401 or not scope or not isinstance(self._credential, CachedCredential):
                raise
            self._credential.forget(scope)
            return attempt()

    @contextmanager
    def streamed(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes, timeout: float
    ) -> Iterator[Streamed]:
        """Send one request and yield the response as soon as it starts. The end of the context closes the connection.

        Never retried once the service may have received it. timeout: seconds without a byte. Raises the matching
        AzureError.
        """
        call = _Call(method, url, headers, content, timeout)
        response = self.retry.call(lambda: self._exchange(call, stream=True)[0], repeatable=False)
        try:
            yield Streamed(response.headers, self._pieces(response, method, url))
        finally:
            response.close()

    def _pieces(self, response: Any, method: str, url: str) -> Iterator[bytes]:
        from azure.core.exceptions import AzureError as LibraryError
        from urllib3.exceptions import HTTPError

        try:
            yield from response.iter_bytes()
        except (LibraryError, HTTPError, OSError) as error:
            raise from_exception(error, method, url, local=self.local) from None

    def authorized(self, credential: TokenCredential) -> Http:
        """Return the same connections, with a credential."""
        other = copy.copy(self)
        other._credential, other._pipelines, other._lock = credential, {}, threading.Lock()
        return other

    def attended(self, attendant: Attendant) -> Http:
        """Return the same connections, with an attendant that waits between attempts."""
        other = copy.copy(self)
        other.retry = replace(self.retry, attendant=attendant)
        return other

    def impatient(self, connect: float) -> Http:
        """Return the same connections, without retries. connect: seconds to connect."""
        other = copy.copy(self)
        other.retry = replace(self.retry, attempts=1, attendant=None)
        other._options = {**self._options, "connection_timeout": connect}
        return other

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _whole(self, call: _Call) -> Response:
        response, body = self._exchange(call)
        return Response(response.status_code, response.headers, body)

    def _exchange(self, call: _Call, *, stream: bool = False) -> tuple[Any, bytes]:
        """Return the library's response and its content. stream: leave the content of a good response unread."""
        from azure.core.exceptions import AzureError as LibraryError
        from azure.core.rest import HttpRequest
        from urllib3.exceptions import HTTPError

        method, url = call.method, call.url
        headers = {"User-Agent": USER_AGENT, **call.headers, "x-ms-client-request-id": str(uuid.uuid4())}
        try:
            request = HttpRequest(method, url, headers=headers, content=call.content)
            if call.sign is not None:
                request.url, signed = call.sign(method, request.url, dict(request.headers))
                request.headers.update(signed)
            pipeline = self._pipeline(call.scope)
            response = pipeline.run(request, stream=stream, read_timeout=call.timeout, **self._options).http_response
            body = b"" if stream and response.status_code < 400 else response.read()
        except (LibraryError, HTTPError, OSError) as error:
            raise from_exception(error, method, url, local=self.local) from None
        self._guard(response.headers, method, url)
        self.service_clock.note(response.headers)
        if response.status_code >= 400:
            raise from_response(method, url, response.status_code, response.headers, body)
        return response, body

    def _pipeline(self, scope: str) -> Pipeline[Any, Any]:
        with self._lock:
            if scope not in self._pipelines:
                from azure.core.pipeline import Pipeline
                from azure.core.pipeline.policies import BearerTokenCredentialPolicy

                if scope and self._credential is None:
                    raise AzureError("this connection has no credential")
                policies: list[Any] = []
                if scope and self._credential is not None:
                    policies.append(BearerTokenCredentialPolicy(self._credential, scope))
                self._pipelines[scope] = Pipeline(self._transport, policies=policies)
            return self._pipelines[scope]

    def _guard(self, headers: Mapping[str, str], method: str, url: str) -> None:
        embedded = EMULATOR_HEADER in headers
        if embedded and not self.local and os.environ.get(EMULATED_CLOUD) != "1":
            raise AzureError(
                "the emulator answered a request meant for Azure",
                code="EmulatorOnCloudTarget",
                method=method,
                url=url.partition("?")[0],
                detail="The proxy variables of this shell point to an emulator.",
                remedy="Unset HTTPS_PROXY and REQUESTS_CA_BUNDLE, or use --target local. "
                f"To rehearse this target on the emulator, set {EMULATED_CLOUD}=1.",
            )
        if self.local and not embedded:
            raise AzureError(
                "target local was answered by something that is not the emulator",
                code="NotTheEmulator",
                method=method,
                url=url.partition("?")[0],
                remedy="Run `phift emulator stop`, then re-run the command.",
            )


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Add a query to a URL, percent-encoded (azure-core does not encode)."""
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query, quote_via=quote)}"
