"""The clock of the service, as its answers tell it: retirements follow it, not the clock of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from phift.clock import Clock, SystemClock

__all__ = ["ServiceClock"]


class ServiceClock:
    """The time of the service: that of this machine, corrected by the last `Date` header; thread-safe."""

    def __init__(self, machine: Clock | None = None) -> None:
        self._machine = machine or SystemClock()
        self._ahead = timedelta()

    def note(self, headers: Mapping[str, str]) -> None:
        """Take over the `Date` of an answer; an absent or malformed one changes nothing."""
        try:
            moment = parsedate_to_datetime(headers.get("Date") or "")
        except ValueError:
            return
        if moment.tzinfo is not None:
            self._ahead = moment - self._machine.now()

    def now(self) -> datetime:
        """Return the current time of the service, in UTC."""
        return (self._machine.now() + self._ahead).astimezone(UTC)
