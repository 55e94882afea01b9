"""What is stored of a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from phift.emulator.core.store import Store
from phift.emulator.services.schedules.triggers import Trigger, read_trigger

__all__ = ["SCHEDULE", "Schedule", "all_schedules", "find_schedule"]

SCHEDULE = "schedule"


@dataclass
class Schedule:
    """A schedule. document: in the shape of GET. created: seconds since the epoch by the service's clock, from which a
    trigger without a start counts. due: when it creates its next job, by the same clock; None for never."""

    document: dict[str, Any]
    created: float
    due: float | None = None

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.document["properties"]
        return properties

    @property
    def works(self) -> bool:
        """Whether it creates jobs: it is enabled, and its last write has succeeded."""
        return bool(self.properties["isEnabled"]) and self.properties["provisioningState"] == "Succeeded"

    @property
    def trigger(self) -> Trigger:
        return read_trigger(self.properties["trigger"], datetime.fromtimestamp(self.created, UTC))

    def plan(self, now: datetime) -> None:
        """Set the next time at which it is due after a moment."""
        following = self.trigger.next(now) if self.works else None
        self.due = following.timestamp() if following else None

    def save(self, store: Store) -> None:
        store.put(SCHEDULE, self.name, body=asdict(self))


def find_schedule(store: Store, name: str) -> Schedule | None:
    body = store.get(SCHEDULE, name)
    return None if body is None else Schedule(**body)


def all_schedules(store: Store) -> Iterator[Schedule]:
    """In order of creation."""
    return (Schedule(**body) for body in store.list(SCHEDULE))
