"""The one HTTP session under every request to the hub: ours, and those that the libraries make.

Imported only by functions, for it imports httpx2.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from phift import __version__
from phift.clock import Clock, SystemClock
from phift.data.hub.errors import HubError, Place, Subject, from_answer, other_host, unreachable, wait_asked

__all__ = ["SUBJECT", "Known", "Patience", "Session", "TransportError", "is_permanent"]

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
USER_AGENT = f"phift/{__version__}"
SUBJECT = "phift.subject"
"""Extension of a request: the Subject that it is about."""
TransportError = httpx2.TransportError
Known = Callable[[str], tuple[int, Any] | None]
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Patience:
    """How often and how long a request is tried again.

    attempts: in all. base, cap: the pause before the second attempt and the longest one, in seconds; pauses double.
    longest: the most that an answer may ask to wait; what asks for more ends at once. total: seconds of pauses in all.
    """

    attempts: int = 5
    base: float = 0.5
    cap: float = 8.0
    longest: float = 60.0
    total: float = 120.0
    clock: Clock = field(default_factory=SystemClock)


class Session(httpx2.Client):
    """A client of httpx2 with phift's certificates, time-outs, token and retries, and with the environment's proxies.

    token: sent to the endpoint's own origin only; no request to another one carries any. Raises HubError when a request
    stays without a usable answer, also through the libraries that use the session; every other answer is returned.
    subject: what requests are about, for the words of errors; a request says otherwise in its extension SUBJECT.
    known: for a session of the libraries: (status, JSON) of a path under the endpoint that need not be asked, else
    None. Such a session asks the endpoint, and hosts that it redirects to, alone: neither telemetry nor a data set's
    card leads anywhere else.
    """

    def __init__(
        self,
        place: Place,
        token: str,
        context: ssl.SSLContext | None,
        patience: Patience,
        subject: Subject,
        known: Known | None = None,
    ) -> None:
        super().__init__(
            verify=True if context is None else context,
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
        """As httpx2.Client.send, tried again where that may help."""
        if answer := self._remembered(request):
            return answer
        request.headers["User-Agent"] = USER_AGENT
        request.headers.pop("Authorization", None)
        if self._token and _origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token}"
        subject = request.extensions.get(SUBJECT, self._subject)
        waited = 0.0
        for attempt in range(1, self._patience.attempts + 1):
            last = attempt == self._patience.attempts
            try:
                response = super().send(request, **options)
            except httpx2.TransportError as error:
                if last or is_permanent(error):
                    raise unreachable(self._place, error, pinned=subject.pinned) from error
                asked = None
            else:
                if response.status_code not in _PASSING:
                    if response.has_redirect_location and _origin(request.url) == self._origin:
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
                    f"{self._place.host} stays busy",
                    code="hub-busy",
                    detail=f"Tried {attempt} times in {waited - pause:g} s.",
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
        found = self._known(request.url.path.removeprefix(self._root))
        if found is None:
            return None
        status, value = found
        headers = {"X-Error-Code": "EntryNotFound"} if status == 404 else {}
        return httpx2.Response(status, headers=headers, json=value, request=request)


def is_permanent(error: BaseException) -> bool:
    """A failure that no repetition helps: a certificate that is not trusted, an address of no known kind."""
    if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
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
