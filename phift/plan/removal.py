"""What a destroy does to each resource: what costs goes, what was learned stays."""

from __future__ import annotations

from collections.abc import Mapping

from phift.address import Address
from phift.compile.desired import Desired, Stack
from phift.compile.ownership import PROTECT, Claim, Ownership
from phift.diagnostics import Diagnostic
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.plan.observed import LiveObject, Observed
from phift.plan.replacing import protected
from phift.plan.standing import LOST, Policy, Standing, Stranger, refusals

__all__ = ["decide_prune", "decide_removal"]

_ALONG = "goes with its endpoint"
_ENDED = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})


def decide_removal(
    stack: Stack, observed: Mapping[Address, Observed], policy: Policy, *, archive: bool
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """A planned resource for each desired one, in their order, and findings that refuse the plan."""
    planned = []
    findings = []
    strangers = []
    moved: tuple[LiveObject, ...] = ()
    for desired in stack.resources:
        seen = observed.get(desired.address)
        live = seen.live if seen else None
        stands = _standing(stack, desired, live, policy)
        action, reason = _action(desired, live, stands, archive)
        if live and stands is Standing.REFUSED:
            if _costs(desired, live):
                strangers.append(Stranger(desired.address, live.name, live.owner, desired.address in policy.lost))
        elif live and stands is Standing.MOVED:
            moved = (*moved, live)
        elif live and action is Action.DELETE and live.marks.get(PROTECT) == "true":
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
    if moved:
        findings.append(_moved(stack, moved))
    return tuple(planned), (*findings, *refusals(stack, strangers, verb="destroy"))


def _standing(stack: Stack, desired: Desired, live: LiveObject | None, policy: Policy) -> Standing:
    """A destroy claims what carries the stack's own name, or did according to the ledger; what is plainly somebody
    else's stays, whatever was asked for."""
    if live is None or not desired.owned:
        return Standing.SHARED
    owner = live.owner
    if owner.ownership is Ownership.OURS:
        return Standing.OURS
    if owner.ownership is Ownership.MOVED:
        return Standing.OURS if desired.address.kind == "job" else Standing.MOVED
    named = (owner.stack in (stack.name, *stack.former) and not owner.copied) or desired.address in policy.lost
    return (Standing.CLAIMED if policy.take_over else Standing.REFUSED) if named else Standing.SHARED


def _costs(desired: Desired, live: LiveObject) -> bool:
    return desired.address.kind not in {"data", "model"} and not (
        desired.address.kind == "job" and live.state in _ENDED
    )


def _moved(stack: Stack, moved: tuple[LiveObject, ...]) -> Diagnostic:
    return Diagnostic(
        f"stack moved: {moved[0].owner.source} -> {stack.claim.source}",
        detail=f"The move is not applied yet to {', '.join(live.name for live in moved)}. If this is a copy of the "
        "spec, they are the original's.",
        remedy="If the spec did move, run `phift apply` first.",
        code="stack-moved",
    )


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
    kind: str, live: LiveObject, after: tuple[Address, ...], claim: Claim
) -> tuple[PlannedResource, tuple[Diagnostic, ...]]:
    """What becomes of an object of this stack that the spec no longer has. after: what must be done before. claim: the
    stack's."""
    address = Address(kind, live.name)
    action, reason = Action.DELETE, "no longer in the spec"
    if live.owner.ownership is Ownership.MOVED:
        reason += f"; stack moved: {live.owner.source} -> {claim.source}"
    elif live.owner.ownership is not Ownership.OURS:
        reason += f"; taken over from {live.owner}"
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


def _action(desired: Desired, live: LiveObject | None, stands: Standing, archive: bool) -> tuple[Action, str]:
    if desired.address.kind in {"deployment", "traffic", "test"}:
        return Action.NO_OP, _ALONG
    if live is None:
        return Action.NO_OP, "not in the workspace"
    if stands not in (Standing.OURS, Standing.CLAIMED):
        return Action.NO_OP, "not made by this stack: stays"
    if stands is Standing.CLAIMED and desired.address.kind in {"compute", "endpoint"}:
        return Action.DELETE, f"{LOST if not live.owner.stack else f'taken over from {live.owner}'}: stops billing"
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
