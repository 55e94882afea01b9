"""The HTTP session of every request to the hub, both our own and those of the libraries.

Import it in functions only: it imports httpx2.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Any

import httpx2

from phift import __version__
from phift.clock import Clock, SystemClock
from phift.data.hub.answer import Known
from phift.data.hub.errors import HubError, Place, Subject, from_answer, other_host, unreachable, wait_asked

__all__ = ["NO_RESPONSE", "SUBJECT", "InvalidURL", "Patience", "Session", "is_permanent"]

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
USER_AGENT = f"phift/{__version__}"
SUBJECT = "phift.subject"
"""Key of the request extension that holds its Subject."""
InvalidURL = httpx2.InvalidURL
NO_RESPONSE = (httpx2.RequestError, httpx2.InvalidURL)
"""What httpx2 raises when there is no usable response."""

_PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How often and how long a request is retried.

    attempts: in all. base, cap: seconds before the second attempt, and at most; pauses double. longest: seconds that a
    response may ask to wait; a longer wait is an error at once. total: seconds of pauses in all.
    """

    attempts: int = 5
    base: float = 0.5
    cap: float = 8.0
    longest: float = 60.0
    total: float = 120.0
    clock: Clock = field(default_factory=SystemClock)


class Session(httpx2.Client):
    """An httpx2 client with phift's certificates, time-outs, token and retries, and the environment's proxies.

    A request without a usable response raises HubError, also through the libraries; any other response is returned.

    token: sent to the origin of the endpoint only. subject: what requests are for, in error messages; the request
    extension SUBJECT overrides it. known: for a session of the libraries, the Answer to a request
    that need not be made, or None. Such a session connects to the endpoint and to hosts that it redirects to, so
    that neither telemetry nor the card of a data set reaches any other.
    """

    def __init__(
        self,
        place: Place,
        token: str,
        context: ssl.SSLContext,
        patience: Patience,
        subject: Subject,
        known: Known | None = None,
    ) -> None:
        super().__init__(
            verify=context,
            follow_redirects=True,
            timeout=httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            limits=httpx2.Limits(max_connections=16, max_keepalive_connections=8),
        )
        self._subject = subject
        self._known = known
        self._led_to: set[tuple[str, str, int]] = set()
        self._root = httpx2.URL(place.endpoint).path.rstrip("/")
        self._place = place
        self._token = token
        self._origin = _origin(httpx2.URL(place.endpoint))
        self._patience = patience

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """As httpx2.Client.send, with retries."""
        if answer := self._remembered(request):
            return answer
        request.headers["User-Agent"] = USER_AGENT
        request.headers.pop("Authorization", None)
        if self._token and _origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        if self._known is not None:
            # Read small bodies here, so that a cut one is retried by our rules and not by those of the libraries.
            options["stream"] = False
        subject = request.extensions.get(SUBJECT, self._subject)
        waited = 0.0
        for attempt in range(1, self._patience.attempts + 1):
            last = attempt == self._patience.attempts
            try:
                response = super().send(request, **options)
            except NO_RESPONSE as error:
                if last or is_permanent(error):
                    raise unreachable(self._place, error, pinned=subject.pinned) from error
                asked = None
            else:
                if response.status_code not in _PASSING:
                    if self._known is not None and response.has_redirect_location:
                        self._led_to.add(_origin(request.url.join(response.headers["Location"])))
                    return response
                response.close()
                asked = wait_asked(response.headers)
                if last or (asked or 0) > self._patience.longest:
                    raise from_answer(self._place, subject, response.status_code, response.headers)
            pause = asked if asked is not None else min(self._patience.cap, self._patience.base * 2 ** (attempt - 1))
            waited += pause
            if waited > self._patience.total:
                raise HubError(
                    f"{self._place.host} is still busy",
                    code="hub-busy",
                    detail=f"{attempt} attempts in {waited - pause:g} s.",
                    remedy="Re-run the command later: downloaded files are kept.",
                )
            self._patience.clock.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _remembered(self, request: httpx2.Request) -> httpx2.Response | None:
        if self._known is None:
            return None
        if _origin(request.url) in self._led_to:
            return None
        if _origin(request.url) != self._origin:
            raise other_host(self._subject, request.url.netloc.decode("ascii"))
        found = self._known(request.method, request.url.path.removeprefix(self._root), dict(request.url.params))
        if found is None:
            return None
        return httpx2.Response(found.status, headers=found.headers, content=found.content, request=request)


def is_permanent(error: BaseException) -> bool:
    """Whether a retry cannot help: an untrusted certificate, an invalid address, a redirect loop."""
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError | httpx2.TooManyRedirects | InvalidURL):
        return True
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return False


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host.lower(), url.port or (443 if url.scheme == "https" else 80)
