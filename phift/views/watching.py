"""Event handling shared by all apply views: one event at a time, collecting failures."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from phift.address import Address
from phift.apply.events import Event, ResourceFailed, ResourceProgress, ResourceStarted
from phift.clock import Clock, SystemClock

__all__ = ["Throttle", "Watching"]


class Watching:
    """Events arrive on any thread; the re-entrant `_lock` serialises them (a signal may add a note meanwhile).

    failures, started: see phift.views.base.ApplyView.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.failures: list[ResourceFailed] = []
        self.started = False
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, ResourceStarted):
                self.started = self.started or event.action.changes_something
            elif isinstance(event, ResourceFailed):
                self.failures.append(event)
            self._tell(event)

    def _tell(self, event: Event) -> None:
        """Show one event; the lock is held."""


class Throttle:
    """Limits progress per resource to one line per `same` seconds if unchanged, else per `changed` seconds."""

    def __init__(self, clock: Clock, *, same: float, changed: float) -> None:
        self._clock = clock
        self._same, self._changed = same, changed
        self._last: dict[Address, tuple[float, tuple[str, str]]] = {}

    def begin(self, address: Address) -> None:
        """Record that a line about the resource was just shown."""
        self._last[address] = (self._clock.monotonic(), ("", ""))

    def due(self, event: ResourceProgress) -> bool:
        """Return whether to show it; if so, record it as shown."""
        doing, now = (event.state, event.message), self._clock.monotonic()
        then, known = self._last.get(event.address, (-self._same, ("", "")))
        if now - then < (self._same if doing == known else self._changed):
            return False
        self._last[event.address] = (now, doing)
        return True
