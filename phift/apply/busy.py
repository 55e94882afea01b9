"""Writes that are refused for now: made again, from what is there then, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phift.apply.staleness import came_true, require_unmoved
from phift.clock import Clock
from phift.errors import AzureError, Cause, NotFoundError
from phift.kinds.base import NAME_TAKEN
from phift.kinds.progress import Progress, Written
from phift.plan.model import PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["Busy"]

_FIRST = 0.2
_GROWTH = 1.5
_LONGEST_CLOUD, _LONGEST_LOCAL = 15.0, 1.0
_PATIENCE_CLOUD, _PATIENCE_LOCAL = 900.0, 30.0
"""Seconds for the operation of somebody else, or of a request of ours whose answer was lost."""
_DOUBT_CLOUD, _DOUBT_LOCAL = 120.0, 5.0
"""Seconds where waiting may be in vain: a name that was just freed, or that a stranger holds, an unknown conflict."""
_MOST_CHANGES = 5
"""How often a write is made again because somebody else's came between our read and it."""
_SETTLED = frozenset({"Succeeded", "Failed", "Canceled", "Archived"})


@dataclass(frozen=True)
class Busy:
    """What to do about one write.

    look: the live object now. require: raises when the lease is lost. stopped: whether to give up waiting.
    """

    planned: PlannedResource
    desired: Desired[Any]
    look: Callable[[], Live | None]
    require: Callable[[], None]
    report: Callable[[Progress], None]
    stopped: Callable[[float], bool]
    local: bool
    clock: Clock

    def write(self, verb: str, live: Live | None, call: Callable[[Live | None], Written]) -> Written:
        """What `call` returns, given the live object as it then is. verb: create, update or delete.

        An answer that was lost may have had its effect: what then is as this plan wants it counts as done. Raises
        StalePlanError when somebody else changed the object meanwhile, and the last AzureError when patience ends, at
        once where waiting does not help.
        """
        started = self.clock.monotonic()
        pause = _FIRST
        changes = 0
        while True:
            try:
                return call(live)
            except AzureError as error:
                changes += error.cause is Cause.CHANGED
                waited = self.clock.monotonic() - started
                patience = self._patience(error, verb, changes)
                if waited + pause > patience or self.stopped(pause):
                    raise
                self.report(Progress("busy", message=error.summary))
                refusal = error
            pause = min(pause * _GROWTH, _LONGEST_LOCAL if self.local else _LONGEST_CLOUD)
            live = self.look()
            if live is not None and _moves(live) and live.state != "Deleting":
                continue  # the next try is refused again, or let in: the service knows best
            if live is None and verb == "delete":
                return Written()
            if live is not None and came_true(self.planned, self.desired, live):
                version = {"version": live.version, "id": live.object_id} if live.version else {}
                return Written({"name": live.name, **version})
            if verb != "create":
                require_unmoved(self.planned, live)
            elif live is not None and live.state != "Deleting" and self.planned.fingerprint == "":
                raise refusal
            self.require()

    def _patience(self, error: AzureError, verb: str, changes: int) -> float:
        """Seconds after which this refusal counts; 0 for one that waiting does not change."""
        long, doubt = (_PATIENCE_LOCAL, _DOUBT_LOCAL) if self.local else (_PATIENCE_CLOUD, _DOUBT_CLOUD)
        if error.cause.permanent:
            return 0.0
        if error.cause is Cause.BUSY:
            return long
        if error.cause is Cause.CHANGED:
            return doubt if changes <= _MOST_CHANGES else 0.0
        if error.status == 409 or error.code == NAME_TAKEN or (verb == "create" and isinstance(error, NotFoundError)):
            return doubt
        # The service refuses writes to what it is still working on with a 400 as well, in words of its own.
        return long if error.status == 400 and (live := self.look()) is not None and _moves(live) else 0.0


def _moves(live: Live) -> bool:
    return live.state not in _SETTLED
