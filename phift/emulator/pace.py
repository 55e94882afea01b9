"""How long things take: as fast as they can, or as long as on Azure."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FAITHFUL", "FAST", "PACES", "Pace"]


@dataclass(frozen=True)
class Pace:
    """Seconds an operation takes before its own work is looked at, by operation kind and verb.

    retry_after_ms: milliseconds a poller is told to wait; None sends no header, as the service does (recorded 2026-03).
    """

    name: str
    default: float
    seconds_by_kind: dict[str, float] = field(default_factory=dict)
    retry_after_ms: int | None = None

    def seconds(self, kind: str) -> float:
        return self.seconds_by_kind.get(kind, self.default)


FAST = Pace("fast", default=0.05, retry_after_ms=200)
FAITHFUL = Pace(
    "faithful",
    default=20.0,
    seconds_by_kind={"compute": 18.0, "onlineEndpoint": 60.0, "onlineDeployment": 420.0, "job": 3.0},
)
PACES = {pace.name: pace for pace in (FAST, FAITHFUL)}
