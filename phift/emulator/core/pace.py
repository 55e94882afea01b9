"""How long things take: as fast as they can, or as long as on Azure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from phift.emulator.core.clock import Clock

__all__ = ["FAITHFUL", "FAST", "PACES", "Pace", "listed", "pace_of"]


@dataclass(frozen=True)
class Pace:
    """Seconds an operation takes before its own work is looked at, by operation kind and verb.

    retry_after_ms: milliseconds that a poller is asked to wait; None sends no header, as recorded 2026-03.
    lag: seconds until lists show what was made, and requests follow new traffic (assumed: lists_lag_two_seconds).
    speed: how many times faster than the pace's own times everything goes; what is said and in which order stays.
    """

    name: str
    default: float
    seconds_by_kind: dict[str, float] = field(default_factory=dict)
    retry_after_ms: int | None = None
    lag: float = 0.0
    speed: float = 1.0

    def seconds(self, kind: str) -> float:
        return self.seconds_by_kind.get(kind, self.default) / self.speed

    @property
    def lag_seconds(self) -> float:
        return self.lag / self.speed

    @property
    def hurried(self) -> bool:
        """Whether to skip what only takes time, such as the initial delay of a probe."""
        return self.name == "fast" or self.speed > 1


FAST = Pace("fast", default=0.05, retry_after_ms=200)
FAITHFUL = Pace(
    "faithful",
    default=20.0,
    seconds_by_kind={"compute": 18.0, "onlineEndpoint": 60.0, "onlineDeployment": 420.0, "job": 3.0, "schedule": 5.0},
    lag=2.0,
)
PACES = {pace.name: pace for pace in (FAST, FAITHFUL)}


def pace_of(name: str, speed: float) -> Pace:
    """A pace by its name, `speed` times as fast; the fast one has no other speed."""
    return FAST if name == FAST.name else replace(PACES[name], speed=speed)


def listed(pace: Pace, documents: Iterable[dict[str, Any]], clock: Clock | None = None) -> Iterator[dict[str, Any]]:
    """The documents that a list shows now: all, but for those younger than the pace's lag.

    clock: the service's, if it dates the documents; else the machine's does. One that was set back hides nothing.
    """
    if not pace.lag:
        yield from documents
        return
    now, speed = (clock.now(), clock.speed) if clock else (datetime.now(UTC), 1.0)
    for document in documents:
        age = (now - datetime.fromisoformat(document["systemData"]["createdAt"])).total_seconds() / speed
        if not 0 <= age < pace.lag_seconds:
            yield document
