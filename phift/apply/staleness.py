"""Check whether a plan is stale: the objects it read must not have changed, except by the plan itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.errors import StalePlanError
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation
from phift.state.overrides import raw_mark
from phift.state.ownership import APPLIED, DIGEST, RAW, applied_digest
from phift.state.states import Provisioning, RunState

__all__ = ["came_true", "require_fresh", "require_unmoved"]

_MOVES_BY_ITSELF = frozenset({Action.RUN, Action.ADOPT, Action.SHIFT})
"""Not compared: a job progresses, and its name is its digest; an object being created settles; a traffic shift checks
the shares of others itself."""


def came_true(planned: PlannedResource, desired: Desired[Any], live: Live) -> bool:
    """Return whether the live object already matches the plan, because an earlier run of the plan changed it."""
    if planned.action is Action.SHIFT:
        return dict(live.properties.get("traffic") or {}) == dict(planned.decided.split or {})
    if planned.action is Action.RUN:
        return live.ours and live.state == RunState.COMPLETED and live.name == planned.identity
    return (
        planned.action in {Action.CREATE, Action.UPDATE, Action.REPLACE}
        and not live.was(planned.fingerprint)
        and live.ours
        and live.state == Provisioning.SUCCEEDED
        and live.marks.get(APPLIED) == applied_digest(desired.properties)
        and live.marks.get(RAW, "") == raw_mark(desired.azure)
        and live.marks.get(DIGEST, "") == desired.digest
    )


def require_unmoved(planned: PlannedResource, live: Live | None) -> None:
    """Raise StalePlanError if the live object differs from the one the plan was created from."""
    same = live.was(planned.fingerprint) if live else not planned.fingerprint
    if planned.action in _MOVES_BY_ITSELF or same:
        return
    raise StalePlanError(
        f"{planned.address}: {planned.identity} {_how(planned, live)} since the plan was created",
        detail=_who(live),
        remedy="Create and review a new plan.",
        address=str(planned.address),
    )


def require_fresh(plan: Plan, stack: Stack, observed: Mapping[Address, Observation]) -> None:
    """Check a saved plan before its first write. Raises one StalePlanError that names all changed resources."""
    moved = []
    for planned in plan.resources:
        desired = stack.resource(planned.address)
        seen = observed.get(planned.address)
        live = seen.live if seen else None
        if desired is None or seen is None or (live is not None and came_true(planned, desired, live)):
            continue
        if planned.action is Action.DELETE and live is None:
            continue
        try:
            require_unmoved(planned, live)
        except StalePlanError as error:
            moved.append(error)
    if moved:
        raise StalePlanError(
            f"the plan is stale: {len(moved)} of {len(plan.resources)} resources changed since it was created",
            detail="\n".join(": ".join(filter(None, [e.summary, e.detail])) for e in moved),
            remedy="Create and review a new plan.",
        )


def _how(planned: PlannedResource, live: Live | None) -> str:
    if live is None:
        return "was removed"
    return "was changed" if planned.fingerprint else "was created by someone else"


def _who(live: Live | None) -> str:
    """Return who changed it last, if the service provides this."""
    data = (live.raw.get("systemData") or {}) if live else {}
    who, when = data.get("lastModifiedBy"), data.get("lastModifiedAt")
    return f"last modified{f' by {who}' if who else ''} at {when}" if when else ""
