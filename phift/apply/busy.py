"""Writes that meet an object the service is still changing: made again once it has settled, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from phift.apply.staleness import came_true, require_unmoved
from phift.clock import Clock
from phift.compile.desired import Desired
from phift.errors import AzureError, ConflictError, NotFoundError
from phift.plan.model import PlannedResource
from phift.resources.base import NAME_TAKEN, Live, Progress

__all__ = ["Busy"]

_FIRST = 0.2
_GROWTH = 1.5
_LONGEST_CLOUD, _LONGEST_LOCAL = 15.0, 1.0
_PATIENCE_CLOUD, _PATIENCE_LOCAL = 900.0, 30.0
"""Seconds for the operation of somebody else, or of a request of ours whose answer was lost."""
_DOUBT_CLOUD, _DOUBT_LOCAL = 120.0, 5.0
"""Seconds where waiting may be in vain: a name that was just freed, or that a stranger holds."""
_SETTLED = frozenset({"Succeeded", "Failed", "Canceled"})


@dataclass(frozen=True)
class Busy:
    """What to do about one write of a mutable object.

    look: the live object now. require: raises when the lease is lost. stopped: whether to give up waiting.
    """

    planned: PlannedResource
    desired: Desired
    look: Callable[[], Live | None]
    require: Callable[[], None]
    report: Callable[[Progress], None]
    stopped: Callable[[float], bool]
    local: bool
    clock: Clock

    def write(
        self, verb: str, live: Live | None, call: Callable[[Live | None], Mapping[str, Any] | None]
    ) -> Mapping[str, Any]:
        """What `call` returns, given the live object as it then is. verb: create, update or delete.

        An answer that was lost may have had its effect: what then is as this plan wants it counts as done. Raises
        StalePlanError when somebody else changed the object meanwhile, and the last AzureError when patience ends.
        """
        started = self.clock.monotonic()
        pause = _FIRST
        while True:
            try:
                return call(live) or {}
            except (ConflictError, NotFoundError) as error:
                waited = self.clock.monotonic() - started
                if waited + pause > self._patience(error, verb) or self.stopped(pause):
                    raise
                self.report(Progress("busy", message=error.summary))
                refusal = error
            pause = min(pause * _GROWTH, _LONGEST_LOCAL if self.local else _LONGEST_CLOUD)
            live = self.look()
            if live is not None and live.state not in {*_SETTLED, "Deleting"}:
                continue  # the next try is refused again, or let in: the service knows best
            if live is None and verb == "delete":
                return {}
            if live is not None and came_true(self.planned, self.desired, live):
                return {"name": live.name}
            if verb != "create":
                require_unmoved(self.planned, live)
            elif live is not None and live.state != "Deleting" and self.planned.fingerprint == "":
                raise refusal
            self.require()

    def _patience(self, error: AzureError, verb: str) -> float:
        if error.status == 409:
            return _PATIENCE_LOCAL if self.local else _PATIENCE_CLOUD
        if verb == "create" and (error.code == NAME_TAKEN or isinstance(error, NotFoundError)):
            return _DOUBT_LOCAL if self.local else _DOUBT_CLOUD
        return 0.0
