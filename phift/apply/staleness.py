"""Whether a plan still describes the world: what it read must not have moved, except by the plan itself."""

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
"""A job goes on, and its name is its digest; what is in the making settles; a shift looks at others' shares itself."""


def came_true(planned: PlannedResource, desired: Desired[Any], live: Live) -> bool:
    """Whether the live object is already what this plan would make of it: an earlier run of it got that far."""
    if planned.action is Action.SHIFT:
        return dict(live.properties.get("traffic") or {}) == dict(planned.decided.split or {})
    if planned.action is Action.RUN:
        return live.ours and live.state == RunState.COMPLETED and live.name == planned.identity
    return (
        planned.action in {Action.CREATE, Action.UPDATE, Action.REPLACE}
        and live.fingerprint != planned.fingerprint
        and live.ours
        and live.state == Provisioning.SUCCEEDED
        and live.marks.get(APPLIED) == applied_digest(desired.properties)
        and live.marks.get(RAW, "") == raw_mark(desired.azure)
        and live.marks.get(DIGEST, "") == desired.digest
    )


def require_unmoved(planned: PlannedResource, live: Live | None) -> None:
    """Raises StalePlanError when the live object is another than the one the plan was made from."""
    if planned.action in _MOVES_BY_ITSELF or (live.fingerprint if live else "") == planned.fingerprint:
        return
    raise StalePlanError(
        f"{planned.address}: {planned.identity} {_how(planned, live)} since the plan was made",
        detail=_who(live),
        remedy="Make a new plan and look at it.",
        address=str(planned.address),
    )


def require_fresh(plan: Plan, stack: Stack, observed: Mapping[Address, Observation]) -> None:
    """Before anything of a saved plan is written: raises one StalePlanError that names all that moved."""
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
            f"the plan is stale: {len(moved)} of {len(plan.resources)} resources moved since it was made",
            detail="\n".join(": ".join(filter(None, [e.summary, e.detail])) for e in moved),
            remedy="Make a new plan and look at it.",
        )


def _how(planned: PlannedResource, live: Live | None) -> str:
    if live is None:
        return "was removed"
    return "was changed" if planned.fingerprint else "was created by someone else"


def _who(live: Live | None) -> str:
    """Who moved it last, where the service says so."""
    data = (live.raw.get("systemData") or {}) if live else {}
    who, when = data.get("lastModifiedBy"), data.get("lastModifiedAt")
    return f"last modified{f' by {who}' if who else ''} at {when}" if when else ""
