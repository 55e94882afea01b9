"""Whether a job exceeds its time limits, by the service's clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.azure.session import Azure
from phift.clock import moment
from phift.kinds.job import run_history
from phift.kinds.job.limits import QUEUE, RUN, Limits, Overdue, late
from phift.state.states import RunState

__all__ = ["exceeded", "overdue"]


def overdue(azure: Azure, document: Mapping[str, Any], limits: Limits) -> Overdue | None:
    """Return the limit that a job has exceeded by the service's clock, or None.

    A job that has ended, or that is being cancelled, is not overdue. Reads the run history only if a limit may be
    exceeded: a job starts after its submission. Raises AzureError.
    """
    state = str(document["properties"].get("status") or "")
    if not limits or RunState.ended(state) or state == RunState.CANCEL_REQUESTED:
        return None
    name, now = str(document["name"]), azure.now()
    submitted = moment(str((document.get("systemData") or {}).get("createdAt") or ""))
    waiting = late(QUEUE, limits.queue, submitted, now)
    if waiting and not run_history.has_begun(azure, name):
        return waiting
    if submitted and not late(RUN, limits.run, submitted, now):
        return None
    return late(RUN, limits.run, run_history.times(azure, name).started, now) if limits.run is not None else None


def exceeded(azure: Azure, name: str, limits: Limits) -> tuple[str, int] | None:
    """Return the limit, as field and minutes, after which an ended job ended, or None. Raises AzureError."""
    if not limits:
        return None
    times = run_history.times(azure, name)
    if times.ended is None:
        return None
    if late(RUN, limits.run, times.started, times.ended):
        return RUN, limits.run or 0
    if late(QUEUE, limits.queue, times.submitted, times.ended) and not run_history.has_begun(azure, name):
        return QUEUE, limits.queue or 0
    return None
