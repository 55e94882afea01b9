"""One file of a data set on the hub, read by byte ranges, with resumption and checks.

The hub redirects a request for a large file to a signed URL of its delivery network. That URL is remembered for some
minutes, so that each further range costs one request. Every response is compared with the pin: the SHA-256 and size
that the hub states, and the range that was requested. Proxies are known to return the whole file, or to cut it.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from phift.data.hub.client import HubClient
from phift.data.hub.errors import HubError, Place, Subject, from_answer, not_the_pinned_file, unreachable
from phift.data.hub.pins import HubFile, HubSplit
from phift.errors import PhiftError

__all__ = ["Cancelled", "RangesIgnored", "Remote"]

_ADDRESS_LIFE = 300.0  # seconds; signed addresses hold for an hour or more
_HOPS = 6
_PROXY = "Check HF_ENDPOINT and the proxy."
_PROGRESS = 1 << 20  # bytes; a cut after so many resets the count of failures


class RangesIgnored(Exception):
    """The server or a proxy ignores byte ranges."""


class Cancelled(Exception):
    """The consumer has stopped."""


class Remote:
    """A file at a commit. file.sha256: "" if not known yet. pinned: named by the lock file."""

    def __init__(self, client: HubClient, id: str, revision: str, file: HubFile, *, pinned: bool = False) -> None:
        self.file = file
        self.subject = Subject(id, revision, file.path, pinned)
        self._client = client
        self._address = client.file_address(id, revision, file.path)
        self._location: tuple[str, float] | None = None

    @classmethod
    def of(cls, client: HubClient, split: HubSplit, file: HubFile) -> Remote:
        """A file of a pinned split."""
        return cls(client, split.id, split.revision, file, pinned=True)

    @property
    def place(self) -> Place:
        """The hub, for error messages."""
        return self._client.place

    def read(
        self, start: int, stop: int, write: Callable[[bytes], object], cancelled: threading.Event | None = None
    ) -> None:
        """Pass the bytes from `start` up to `stop`, exclusive, to `write`, in order and each once.

        Resumes a cut connection. Raises RangesIgnored, possibly after some bytes of a whole file, when the rest cannot
        be requested; StalePlanError when the file is not the pinned one; Cancelled once `cancelled` is set; HubError
        when the hub cannot be reached or refuses.
        """
        from phift.data.hub.session import NO_RESPONSE, is_permanent

        patience = self._client.patience
        at, failures = start, 0
        while at < stop:
            before = at
            try:
                with self._opened(at, stop) as response:
                    for chunk in response.iter_raw():
                        if cancelled is not None and cancelled.is_set():
                            raise Cancelled
                        if at + len(chunk) > stop:
                            raise self._other(f"{stop - start:,} bytes", "more")
                        write(chunk)
                        at += len(chunk)
                error: Exception = ConnectionError("the connection was closed early")
            except NO_RESPONSE as cut:
                error = cut
            if at == stop:
                return
            failures = 1 if at - before >= _PROGRESS else failures + 1
            if failures >= patience.attempts or is_permanent(error):
                raise unreachable(self._client.place, error, pinned=self.subject.pinned) from error
            patience.clock.sleep(min(patience.cap, patience.base * 2 ** (failures - 1)))

    @contextmanager
    def _opened(self, start: int, stop: int) -> Iterator[Any]:
        """The response whose body is that range."""
        whole = start == 0 and stop == self.file.size
        headers = {"Accept-Encoding": "identity"}
        if not whole:
            headers["Range"] = f"bytes={start}-{stop - 1}"
        response = self._answer(headers)
        try:
            self._check(response, start, stop, whole)
            yield response
        finally:
            response.close()

    def _answer(self, headers: Mapping[str, str]) -> Any:
        """The response after redirects, its body not yet read."""
        from phift.data.hub.session import SUBJECT

        session = self._client.session(self.subject)
        again = True
        for _ in range(_HOPS):
            address = self._known_location() or self._address
            request = session.build_request("GET", address, headers=headers, extensions={SUBJECT: self.subject})
            response = session.send(request, stream=True, follow_redirects=False)
            if response.has_redirect_location:
                response.close()
                self._check_linked(response.headers)
                self._location = (str(request.url.join(response.headers["Location"])), time.monotonic())
            elif response.status_code < 400:
                return response
            else:
                response.close()
                if self._location is None or not again:
                    raise self._refused(address, response)
                # The signed URL may have expired early: ask the hub for another.
                self._location, again = None, False
        raise HubError(
            f"{self._client.place.host} redirects {self.subject} in a loop", code="hub-refused", remedy=_PROXY
        )

    def _known_location(self) -> str:
        if self._location and time.monotonic() - self._location[1] < _ADDRESS_LIFE:
            return self._location[0]
        self._location = None
        return ""

    def _refused(self, address: str, response: Any) -> PhiftError:
        if response.status_code == 416:
            return self._other(f"{self.file.size:,} bytes", "fewer")
        if address == self._address:
            return from_answer(self._client.place, self.subject, response.status_code, response.headers)
        summary = f"{urlsplit(address).netloc} responds with HTTP {response.status_code} for {self.subject}"
        remedy = f"{self._client.place.host} keeps the file there: check that the proxy allows it."
        return HubError(summary, code="hub-refused", remedy=remedy)

    def _check_linked(self, headers: Mapping[str, str]) -> None:
        """Compare what the hub states about the file with the pin."""
        digest = headers.get("x-linked-etag", "").removeprefix("W/").strip('"')
        if self.file.sha256 and re.fullmatch(r"[0-9a-f]{64}", digest) and digest != self.file.sha256:
            raise self._other(f"sha256 {self.file.sha256[:12]}", f"sha256 {digest[:12]}")
        size = headers.get("x-linked-size", "")
        if size.isdigit() and int(size) != self.file.size:
            raise self._other(f"{self.file.size:,} bytes", f"{int(size):,}")

    def _check(self, response: Any, start: int, stop: int, whole: bool) -> None:
        length = response.headers.get("content-length", "")
        if response.status_code == 206:
            told = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("content-range", ""))
            if told and told[3] not in ("*", str(self.file.size)):
                raise self._other(f"{self.file.size:,} bytes", f"{int(told[3]):,}")
            if not told or (int(told[1]), int(told[2])) != (start, stop - 1):
                raise RangesIgnored
        elif not whole:
            raise RangesIgnored
        elif length.isdigit() and int(length) != self.file.size and "content-encoding" not in response.headers:
            raise self._other(f"{self.file.size:,} bytes", f"{int(length):,}")

    def _other(self, expected: str, found: str) -> PhiftError:
        return not_the_pinned_file(self.subject, expected, found)
