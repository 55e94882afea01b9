"""How long things take: as fast as they can, or as long as on Azure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

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


def listed(pace: Pace, documents: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The documents that a list shows now: all, but for those younger than the pace's lag by the machine's clock."""
    if not pace.lag:
        yield from documents
        return
    now = datetime.now(UTC)
    newest = now - timedelta(seconds=pace.lag_seconds)
    for document in documents:
        created = datetime.fromisoformat(document["systemData"]["createdAt"])
        if created <= newest or created > now:  # ahead of the machine's clock: dated by a clock that an admin has set
            yield document
