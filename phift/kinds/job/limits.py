"""The time limits of a training. Azure's pipeline jobs have none: phift records the minutes as tags when it submits a
job, and cancels an overdue job when it sees one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from phift.clock import duration

__all__ = ["KEPT", "NO_LIMITS", "QUEUE", "RUN", "TAGS", "Limits", "Overdue", "late"]

RUN, QUEUE = "timeout_minutes", "queue_timeout_minutes"
"""Fields of `finetune`."""
TAGS = {RUN: f"phift.{RUN}", QUEUE: f"phift.{QUEUE}"}
"""The tags of a job that record them."""
KEPT = "kept by phift while it runs; unattended up to 21 days (7 on low priority)"


@dataclass(frozen=True)
class Limits:
    """Limits in minutes, None for no limit. run: from the start of the job. queue: from its submission to the start of
    its first step."""

    run: int | None = None
    queue: int | None = None

    def __bool__(self) -> bool:
        return self.run is not None or self.queue is not None

    def __str__(self) -> str:
        return ", ".join(f"{field}: {minutes}" for field, minutes in self.fields())

    def fields(self) -> Iterator[tuple[str, int]]:
        """Yield the limits that are set, by their field of `finetune`."""
        yield from ((name, value) for name, value in ((RUN, self.run), (QUEUE, self.queue)) if value is not None)

    def tags(self) -> dict[str, str]:
        """Return the tags that record the limits."""
        return {TAGS[field]: str(minutes) for field, minutes in self.fields()}

    @classmethod
    def recorded(cls, tags: Mapping[str, Any] | None) -> Limits:
        """Return the limits that the tags of a job record. Ignores values that are not whole numbers."""
        found = {name.lower(): str(value) for name, value in (tags or {}).items()}
        minutes = {field: int(text) for field, tag in TAGS.items() if (text := found.get(tag, "")).isdecimal()}
        return cls(minutes.get(RUN), minutes.get(QUEUE))


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Overdue:
    """A limit that a job has exceeded. field: of `finetune`. seconds: since the deadline."""

    field: str
    minutes: int
    deadline: datetime
    seconds: float

    def __str__(self) -> str:
        return f"overdue by {duration(self.seconds)} ({self.field}: {self.minutes})"


def late(field: str, minutes: int | None, start: datetime | None, now: datetime) -> Overdue | None:
    """Return the limit if it is exceeded at a time, counted from `start`; None if it is not, or if one is unknown."""
    if minutes is None or start is None:
        return None
    deadline = start + timedelta(minutes=minutes)
    return Overdue(field, minutes, deadline, (now - deadline).total_seconds()) if now >= deadline else None
