"""What a destroy does to each resource: what costs goes, what was learned stays."""

from __future__ import annotations

from collections.abc import Mapping

from phift.address import Address
from phift.compile.desired import Desired, Stack
from phift.compile.ownership import PROTECT, Ownership
from phift.diagnostics import Diagnostic
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.plan.planner import LiveObject, Observed
from phift.plan.replacing import protected

__all__ = ["decide_prune", "decide_removal"]

_ALONG = "goes with its endpoint"
_ENDED = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})


def decide_removal(
    stack: Stack, observed: Mapping[Address, Observed], *, archive: bool
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """A planned resource for each desired one, in their order, and findings that refuse the plan."""
    planned = []
    findings = []
    for desired in stack.resources:
        seen = observed.get(desired.address)
        live = seen.live if seen else None
        action, reason = _action(desired, live, archive)
        if live and action is Action.DELETE and live.marks.get(PROTECT) == "true":
            findings.append(protected(desired.address, live.name))
            action = Action.NO_OP
        planned.append(
            PlannedResource(
                address=desired.address,
                action=action,
                identity=f"{live.name}:{live.version}"
                if live and live.version
                else live.name
                if live
                else desired.name,
                reason=reason,
                depends_on=desired.depends_on,
                fingerprint=live.fingerprint if live else "",
            )
        )
        planned += _along(desired, seen)
    return tuple(planned), tuple(findings)


def _along(desired: Desired, seen: Observed | None) -> list[PlannedResource]:
    """The stack's other deployments, which go with the endpoint too: kept ones, and what a cut-off rollout left."""
    others = seen.facts.get("others") or () if seen and desired.address.kind == "deployment" else ()
    return [
        PlannedResource(
            address=Address("deployment", other.name),
            action=Action.NO_OP,
            identity=other.name,
            reason=_ALONG,
            depends_on=desired.depends_on,
            fingerprint=other.fingerprint,
        )
        for other in others
    ]


def decide_prune(
    kind: str, live: LiveObject, after: tuple[Address, ...]
) -> tuple[PlannedResource, tuple[Diagnostic, ...]]:
    """What becomes of an object of this stack that the spec no longer has. after: what must be done before."""
    address = Address(kind, live.name)
    action, reason = Action.DELETE, "no longer in the spec"
    findings: tuple[Diagnostic, ...] = ()
    if live.facts.get("busy"):
        action, reason = Action.NO_OP, f"no longer in the spec, but busy: {live.facts['busy']} nodes work; stays"
    if live.marks.get(PROTECT) == "true":
        action, findings = Action.NO_OP, (protected(address, live.name),)
    planned = PlannedResource(
        address=address,
        action=action,
        identity=live.name,
        reason=reason,
        depends_on=after,
        fingerprint=live.fingerprint,
    )
    return planned, findings


def _action(desired: Desired, live: LiveObject | None, archive: bool) -> tuple[Action, str]:
    if desired.address.kind in {"deployment", "traffic", "test"}:
        return Action.NO_OP, _ALONG
    if live is None:
        return Action.NO_OP, "not in the workspace"
    if not desired.owned or live.owner.ownership is not Ownership.OURS:
        return Action.NO_OP, "not made by this stack: stays"
    match desired.address.kind:
        case "job" if live.state not in _ENDED:
            return Action.DELETE, "running: will be cancelled"
        case "job":
            return Action.NO_OP, "ended: stays as a record"
        case "data" | "model" if live.state == "Archived":
            return Action.NO_OP, "archived"
        case "data" | "model":
            return (Action.DELETE, "will be archived") if archive else (Action.NO_OP, "kept: it costs only storage")
        case "compute" if live.facts.get("busy"):
            return Action.NO_OP, f"busy: {live.facts['busy']} nodes work, perhaps for others; stays"
        case _:
            return Action.DELETE, "stops billing"
