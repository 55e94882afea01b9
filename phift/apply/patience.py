"""Wait between attempts of a request: report long pauses, and stop on Ctrl-C or at a deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from phift.address import Address
from phift.azure.attendance import Seen
from phift.clock import Clock, duration
from phift.errors import AzureError, DetachedError, NotFoundError, ThrottledError
from phift.kinds.progress import Progress

__all__ = ["Patience", "unseen"]

_TOLD = 1.0
"""Minimum seconds of a pause to report."""
_STEP = 5.0
"""Seconds between two reports of a long pause."""
_UNSEEN_CLOUD, _UNSEEN_LOCAL = 120.0, 10.0


def unseen(local: bool) -> float:
    """Seconds for which the service may not show an existing object."""
    return _UNSEEN_LOCAL if local else _UNSEEN_CLOUD


@dataclass(frozen=True)
class Patience:
    """The Attendant of one resource. until: the monotonic time that a requested wait must not exceed.

    seen: shared by all resources of an apply.
    """

    address: Address
    seen: Seen
    until: float
    local: bool
    report: Callable[[Progress], None]
    stop: threading.Event
    clock: Clock

    @property
    def patience(self) -> float:
        """Return for how many seconds an existing object may return 404."""
        return unseen(self.local)

    def wait(self, seconds: float, error: AzureError) -> None:
        """See Attendant."""
        left = max(0.0, self.until - self.clock.monotonic())
        if error.retry_after is not None and seconds > left:
            error.remedy = (
                f"The service asks to wait {duration(seconds)}, but the deadline of {self.address} is in "
                f"{duration(left)}. Re-run the command later, or wait longer: --timeout {self.address.kind}=SECONDS."
            )
            raise error
        while True:
            if seconds >= _TOLD:
                self.report(_told(seconds, error))
            step = min(seconds, _STEP)
            if self.stop.wait(step):
                raise DetachedError(
                    f"stopped waiting for the service: {error.summary}",
                    remedy="Re-run `phift apply` to resume.",
                    address=str(self.address),
                )
            seconds -= step
            if seconds <= 0:
                return


def _told(seconds: float, error: AzureError) -> Progress:
    match error:
        case ThrottledError():
            return Progress("throttled", message=f"throttled; next try in {duration(seconds)}")
        case NotFoundError():
            return Progress("not found yet", message="accepted, but not visible in the service yet")
        case _:
            return Progress("no answer", message=f"no response from the service; next try in {duration(seconds)}")
