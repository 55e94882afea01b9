"""Event handling shared by all apply views: one event at a time, collecting failures."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, NamedTuple, Self

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


_LONGEST = 300.0
"""Seconds after which an unchanged line is repeated at the latest: some runners end a job that prints nothing."""


class _Shown(NamedTuple):
    """The last line about a resource. wait: seconds before an equal one is shown."""

    at: float
    doing: tuple[str, str]
    numbers: tuple[Any, ...]
    wait: float


class Throttle:
    """Limits progress per resource to one line per `changed` seconds for another step, per `same` seconds for other
    numbers of a step; an equal line is repeated ever more rarely."""

    def __init__(self, clock: Clock, *, same: float, changed: float, longest: float = _LONGEST) -> None:
        """longest: seconds after which an equal line is repeated at the latest."""
        self._clock = clock
        self._same, self._changed, self._longest = same, changed, longest
        self._last: dict[Address, _Shown] = {}

    def begin(self, address: Address) -> None:
        """Record that a line about the resource was just shown."""
        self._last[address] = _Shown(self._clock.monotonic(), ("", ""), (), self._same)

    def due(self, event: ResourceProgress) -> bool:
        """Return whether to show it; if so, record it as shown."""
        doing, now = (event.state, event.message), self._clock.monotonic()
        numbers = (event.current, event.total, tuple(sorted(event.values.items())))
        last = self._last.get(event.address, _Shown(-self._same, ("", ""), (), self._same))
        equal = (doing, numbers) == (last.doing, last.numbers)
        if now - last.at < (last.wait if equal else self._same if doing == last.doing else self._changed):
            return False
        wait = min(last.wait * 2, self._longest) if equal else self._same
        self._last[event.address] = _Shown(now, doing, numbers, wait)
        return True
