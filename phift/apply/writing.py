"""Hold the lease during writes: acquire it for the first write, release it while only waiting for jobs, re-acquire it
afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from phift.apply.events import LeaseEvent, Listener

__all__ = ["HeldLease", "Writing"]


class HeldLease(Protocol):
    """See phift.ledger.lease.Lease."""

    def require(self) -> None: ...
    def release(self) -> None: ...


class Writing:
    """The lease section shared by all units of one apply."""

    def __init__(self, acquire: Callable[[], HeldLease], listener: Listener) -> None:
        self._acquire = acquire
        self._emit = listener
        self._lock = threading.RLock()
        self._lease: HeldLease | None = None
        self._writers = 0
        self._watchers = 0

    @contextmanager
    def section(self) -> Iterator[None]:
        """Hold the lease within the context. Raises LeaseHeldError if another apply holds it."""
        with self._lock:
            self._take()
            self._writers += 1
        try:
            yield
        finally:
            with self._lock:
                self._writers -= 1
                self._give_back_if_only_watched()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Allow the lease to be released within a section, while this unit does not write."""
        with self._lock:
            self._writers -= 1
            self._watchers += 1
            self._give_back_if_only_watched()
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1
                self._writers += 1

    def require(self) -> None:
        """Ensure before each write that the lease is held long enough. Raises LeaseHeldError or LeaseLostError."""
        with self._lock:
            self._take()
            lease = self._lease
        if lease is not None:
            lease.require()

    def close(self) -> None:
        """Release the lease at the end of the apply."""
        with self._lock:
            self._give_back()

    def _take(self) -> None:
        if self._lease is None:
            self._lease = self._acquire()
            self._emit(LeaseEvent("acquired"))

    def _give_back_if_only_watched(self) -> None:
        if self._watchers and not self._writers:
            self._give_back()

    def _give_back(self) -> None:
        if self._lease is not None:
            lease, self._lease = self._lease, None
            lease.release()
            self._emit(LeaseEvent("released"))
