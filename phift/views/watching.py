"""What every view of an apply does with its events, whatever it shows: one at a time, remembering what went wrong."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from phift.address import Address
from phift.apply.events import Event, ResourceFailed, ResourceProgress, ResourceStarted
from phift.clock import Clock, SystemClock

__all__ = ["Throttle", "Watching"]


class Watching:
    """Events come from any thread; `_lock` serialises them, and is held again by a note that a signal brings.

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
        """Shows one event; holds the lock."""


class Throttle:
    """Lets progress through: `same` seconds after the last of its resource while that says the same, else `changed`."""

    def __init__(self, clock: Clock, *, same: float, changed: float) -> None:
        self._clock = clock
        self._same, self._changed = same, changed
        self._last: dict[Address, tuple[float, tuple[str, str]]] = {}

    def begin(self, address: Address) -> None:
        """Something was just said of the resource."""
        self._last[address] = (self._clock.monotonic(), ("", ""))

    def due(self, event: ResourceProgress) -> bool:
        """Whether it is to be told; then it counts as told."""
        doing, now = (event.state, event.message), self._clock.monotonic()
        then, known = self._last.get(event.address, (-self._same, ("", "")))
        if now - then < (self._same if doing == known else self._changed):
            return False
        self._last[event.address] = (now, doing)
        return True
