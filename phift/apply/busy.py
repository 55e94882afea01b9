"""Retry writes that the service temporarily rejects, each time from the current state, for a bounded time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phift.apply.staleness import came_true, require_unmoved
from phift.clock import Clock
from phift.errors import AzureError, Cause, NotFoundError
from phift.kinds.base import NAME_TAKEN
from phift.kinds.progress import Progress, Written
from phift.ledger.words import Verb
from phift.plan.model import PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.states import Provisioning

__all__ = ["Busy"]

_FIRST = 0.2
_GROWTH = 1.5
_LONGEST_CLOUD, _LONGEST_LOCAL = 15.0, 1.0
_PATIENCE_CLOUD, _PATIENCE_LOCAL = 900.0, 30.0
"""Seconds to wait for another client's operation, or for our own request whose response was lost."""
_DOUBT_CLOUD, _DOUBT_LOCAL = 120.0, 5.0
"""Seconds to wait if waiting may not help: a name just released or owned by somebody else, an unknown conflict."""
_MOST_CHANGES = 5
"""Maximum retries of a write that another client's write overtook."""
_SETTLED = frozenset({"Succeeded", "Failed", "Canceled", "Archived"})


@dataclass(frozen=True)
class Busy:
    """Retries one write.

    look: returns the current live object. require: raises if the lease is lost. stopped: whether to stop waiting.
    """

    planned: PlannedResource
    desired: Desired[Any]
    look: Callable[[], Live | None]
    require: Callable[[], None]
    report: Callable[[Progress], None]
    stopped: Callable[[float], bool]
    local: bool
    clock: Clock

    def write(self, verb: Verb, live: Live | None, call: Callable[[Live | None], Written]) -> Written:
        """Return the result of `call` for the current live object.

        A request may succeed although its response is lost: an object that already matches the plan counts as done.
        Raises StalePlanError if somebody else changed the object meanwhile, and the last AzureError when the time is
        up, or at once if waiting does not help.
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
            if live is not None and _moves(live) and live.state != Provisioning.DELETING:
                continue  # the service decides: the next attempt is accepted or rejected
            if live is None and verb is Verb.DELETE:
                return Written()
            if live is not None and came_true(self.planned, self.desired, live):
                version = {"version": live.version, "id": live.object_id} if live.version else {}
                return Written({"name": live.name, **version})
            if verb is not Verb.CREATE:
                require_unmoved(self.planned, live)
            elif live is not None and live.state != Provisioning.DELETING and self.planned.fingerprint == "":
                raise refusal
            self.require()

    def _patience(self, error: AzureError, verb: Verb, changes: int) -> float:
        """Return how many seconds to retry after this error; 0 if waiting does not help."""
        long, doubt = (_PATIENCE_LOCAL, _DOUBT_LOCAL) if self.local else (_PATIENCE_CLOUD, _DOUBT_CLOUD)
        if error.cause.permanent:
            return 0.0
        if error.cause is Cause.BUSY:
            return long
        if error.cause is Cause.CHANGED:
            return doubt if changes <= _MOST_CHANGES else 0.0
        if (
            error.status == 409
            or error.code == NAME_TAKEN
            or (verb is Verb.CREATE and isinstance(error, NotFoundError))
        ):
            return doubt
        # The service also rejects writes to an object with a running operation with 400 and a specific message.
        return long if error.status == 400 and (live := self.look()) is not None and _moves(live) else 0.0


def _moves(live: Live) -> bool:
    return live.state not in _SETTLED
