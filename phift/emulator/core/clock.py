"""The service's clock: the machine's, unless an admin request has set it; it goes faster with the pace's `speed`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from phift.emulator.core.store import Store

__all__ = ["Clock"]

_KIND = "clock"


class Clock:
    """The time of the service: what its documents are dated by, when sizes retire and schedules are due.

    It is a line through an anchor, so that it never jumps when the speed changes, and continues after a restart. The
    anchor is stored; without one it is the machine's clock. machine: returns seconds since the epoch.
    """

    def __init__(self, store: Store, machine: Callable[[], float] = time.time) -> None:
        self._store = store
        self._machine = machine
        kept = store.get(_KIND, "anchor") or {}
        self._anchor: tuple[float, float] = (kept.get("machine", 0.0), kept.get("service", 0.0))
        self._speed = float(kept.get("speed", 1.0))
        self.observers: list[Callable[[float], None]] = []
        """Called with the time before, when the clock is set or its speed changes."""

    @property
    def speed(self) -> float:
        """Seconds of the service in a second of the machine."""
        return self._speed

    def time(self) -> float:
        """Seconds since the epoch."""
        machine, service = self._anchor
        return service + (self._machine() - machine) * self._speed

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def set(self, *, now: datetime | None = None, speed: float | None = None) -> None:
        """Set the time, the speed or both; kept until a reset."""
        before = self.time()
        service = before if now is None else now.timestamp()
        if speed is not None:
            self._speed = speed
        self._anchor = (self._machine(), service)
        kept = {"machine": self._anchor[0], "service": service, "speed": self._speed}
        self._store.put(_KIND, "anchor", body=kept)
        self._tell(before)

    def follow(self) -> None:
        """Follow the machine's clock again, at its speed."""
        before = self.time()
        self._anchor, self._speed = (0.0, 0.0), 1.0
        self._store.delete(_KIND, "anchor")
        self._tell(before)

    def _tell(self, before: float) -> None:
        for observer in list(self.observers):
            observer(before)
