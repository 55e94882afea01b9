"""How long an old deployment is kept: a mark with the time when it stopped receiving traffic, and hours from then on.

phift.kept: 2026-11-29T10:00:00Z/PT48H
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from phift.clock import moment, stamp
from phift.lazy import lazy_pattern

__all__ = ["KEPT", "NOT_KEPT", "Kept", "written"]

KEPT = "phift.kept"
"""The tag of an old deployment."""
NOT_KEPT = "-"
"""Stands for the removal of the tag."""
_HOURS = lazy_pattern(r"PT([1-9][0-9]*)H")


@dataclass(frozen=True)
class Kept:
    """since: when the deployment stopped receiving traffic. hours: how long it is kept from then on."""

    since: datetime
    hours: int

    @property
    def until(self) -> datetime:
        return self.since + timedelta(hours=self.hours)

    def __str__(self) -> str:
        return f"{stamp(self.since)}/PT{self.hours}H"

    @classmethod
    def of(cls, marks: Mapping[str, str]) -> Kept | None:
        """Return the mark of a deployment; None without a valid one."""
        since, _, hours = marks.get(KEPT, "").partition("/")
        found, match = moment(since), _HOURS.fullmatch(hours)
        return cls(found, int(match[1])) if found and match else None


def written(keep: str, now: datetime) -> str:
    """Return the mark to write. keep: a whole mark, or only the duration, which then begins now."""
    return f"{stamp(now)}/{keep}" if _HOURS.fullmatch(keep) else keep
