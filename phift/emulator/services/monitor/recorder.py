"""The recorder of metrics: what requests and measurements add up to, minute by minute.

Requests are counted in memory. What has changed is written every few seconds, a document a minute of an endpoint, and
kept for three days: an emulator that is killed loses the counts of its last seconds, and no request waits for a write.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

from phift.emulator.core.store import Store
from phift.emulator.services.monitor.cells import GaugeKey, Minute, RequestKey, Requests

__all__ = ["MINUTE", "Metrics"]

MINUTE = 60
_KIND = "metrics"
_KEPT_SECONDS = 3 * 24 * 3600
_HOUR = 3600


class Metrics:
    """The metrics of all endpoints. clock: returns seconds since the epoch; metrics are dated by the machine's."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._minutes: dict[tuple[str, int], Minute] = {}
        self._changed: set[tuple[str, int]] = set()
        self._connections: dict[str, WeakSet[Any]] = {}
        self._swept = 0

    def count(
        self,
        endpoint: str,
        deployment: str,
        *,
        status: int,
        model_status: str,
        milliseconds: float,
        received: int,
        sent: int,
    ) -> None:
        """Count one request that was answered. deployment: "" when none was chosen. status: as the caller saw it.
        model_status: of the container, "" when it did not answer. received, sent: bytes of the bodies."""
        minute = self._now(endpoint)
        key = RequestKey(deployment, str(status), model_status)
        requests = minute.requests.get(key)
        if requests is None:
            requests = minute.requests[key] = Requests()
        requests.add(milliseconds)
        minute.received += received
        minute.sent += sent

    def connected(self, endpoint: str, connection: Any) -> None:
        """Note the connection on which a request came. connection: has `is_closing`; held weakly."""
        known = self._connections.setdefault(endpoint.casefold(), WeakSet())
        if connection not in known:
            known.add(connection)
            self._now(endpoint).connections += 1

    def open_connections(self, endpoint: str) -> int:
        """How many clients are connected to an endpoint that they have asked before."""
        known = self._connections.get(endpoint.casefold(), WeakSet())
        for each in [each for each in known if each.is_closing()]:
            known.discard(each)
        return len(known)

    def measured(self, endpoint: str, key: GaugeKey, value: float) -> None:
        """Note a measured value."""
        self._now(endpoint).add_gauge(key, value)

    def between(self, endpoint: str, start: float, end: float) -> Iterator[tuple[int, Minute]]:
        """The minutes of an endpoint that begin in [start, end) and have something, oldest first, with the seconds
        since the epoch at which each begins."""
        self.flush()
        name = endpoint.casefold()
        oldest = max(start, self._clock() - _KEPT_SECONDS)
        for hour in range(int(oldest // _HOUR), int(min(end, self._clock() + MINUTE) // _HOUR) + 1):
            documents = {int(each["at"]): each for each in self._store.list(_KIND, name, str(hour))}
            for at in sorted(documents):
                if start <= at < end:
                    yield at, Minute.restored(documents[at])

    def flush(self) -> None:
        """Write what has changed, and drop what is too old."""
        now = self._clock()
        with self._store.transaction():
            for endpoint, at in self._changed:
                body = {"at": at, "endpoint": endpoint, **self._minutes[endpoint, at].stored()}
                self._store.put(_KIND, endpoint, str(at // _HOUR), str(at), body=body)
            if now - self._swept > _HOUR:
                self._swept = int(now)
                for document in self._store.list(_KIND):
                    if document["at"] < now - _KEPT_SECONDS:
                        hour = str(document["at"] // _HOUR)
                        self._store.delete(_KIND, document["endpoint"], hour, str(document["at"]))
        self._changed.clear()
        for key in [key for key in self._minutes if not key[1] <= now < key[1] + MINUTE]:
            del self._minutes[key]

    def _now(self, endpoint: str) -> Minute:
        """The minute that a value of this moment belongs to; it is written at the next flush."""
        key = (endpoint.casefold(), int(self._clock()) // MINUTE * MINUTE)
        self._changed.add(key)
        minute = self._minutes.get(key)
        if minute is None:
            stored = self._store.get(_KIND, key[0], str(key[1] // _HOUR), str(key[1]))
            minute = self._minutes[key] = Minute.restored(stored) if stored else Minute()
        return minute
