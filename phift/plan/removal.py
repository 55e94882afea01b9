"""Plan a destroy: delete what is billed, keep data, models and jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phift.address import Address
from phift.diagnostics import Diagnostic, Severity
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.plan.replacing import protected
from phift.plan.standing import LOST, Policy, Standing, Stranger, refusals
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation
from phift.state.ownership import PROTECT, Claim, Ownership
from phift.state.states import Provisioning, RunState
from phift.state.traits import Nature

__all__ = ["decide_prune", "decide_removal", "moved"]

_ALONG = "deleted with its endpoint"


def decide_removal(
    stack: Stack, observed: Mapping[Address, Observation], policy: Policy, *, archive: bool
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """Return a planned resource for each desired one, in order, and the findings that reject the plan."""
    planned = []
    findings = []
    strangers = []
    strays: tuple[Live, ...] = ()
    for desired in stack.resources:
        seen = observed.get(desired.address)
        live = seen.live if seen else None
        stands = _standing(stack, desired, live, policy)
        action, reason = _action(desired, live, stands, archive)
        if live and stands is Standing.REFUSED:
            if _costs(desired, live):
                lost = desired.address in policy.lost
                strangers.append(Stranger(desired.address, live.name, live.owner, lost, desired.traits.adoptable))
        elif live and stands is Standing.MOVED:
            strays = (*strays, live)
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
        findings += _guests(stack, desired, seen, planned, policy)
    if strays:
        findings.append(moved(stack, strays))
    return tuple(planned), (*findings, *refusals(stack, strangers, verb="destroy"))


def _standing(stack: Stack, desired: Desired[Any], live: Live | None, policy: Policy) -> Standing:
    """Return who owns an object, as far as a destroy is concerned.

    A destroy claims objects that name this stack in their tags or in the ledger. It never claims objects of other
    stacks, whatever the policy.
    """
    if live is None or not desired.owned:
        return Standing.SHARED
    owner = live.owner
    if owner.ownership is Ownership.OURS:
        return Standing.OURS
    if owner.ownership is Ownership.MOVED:
        return Standing.OURS if desired.traits.historic else Standing.MOVED
    named = (owner.stack in (stack.name, *stack.former) and not owner.copied) or desired.address in policy.lost
    return (Standing.CLAIMED if policy.take_over else Standing.REFUSED) if named else Standing.SHARED


def _costs(desired: Desired[Any], live: Live) -> bool:
    match desired.traits.nature:
        case Nature.VERSION:
            return False
        case Nature.RUN:
            return not RunState.ended(live.state)
        case _:
            return True


def moved(stack: Stack, strays: tuple[Live, ...]) -> Diagnostic:
    """Return the error that a stack moved, and that the move is not applied yet. strays: its objects."""
    return Diagnostic(
        f"stack moved: {strays[0].owner.source} -> {stack.claim.source}",
        detail=f"The move is not yet applied to {', '.join(live.name for live in strays)}. If this spec is a copy, "
        "they belong to the original.",
        remedy="If the spec moved, run `phift apply` first.",
        code="stack-moved",
    )


def _guests(
    stack: Stack, desired: Desired[Any], seen: Observation | None, planned: Sequence[PlannedResource], policy: Policy
) -> Iterator[Diagnostic]:
    """Yield the finding that deleting the host of a resource deletes objects of others."""
    guests = seen.guests if seen and desired.traits.hosted else ()
    hosts = {r.address for r in stack.resources if r.traits.hosts}
    host = next((r for r in planned if r.address in hosts and r.action is Action.DELETE), None)
    if host is None or not guests:
        return
    yield Diagnostic(
        f"destroying {host.address} {'deletes' if policy.take_over else 'would delete'} "
        f"{desired.address.kind}s of others: {', '.join(guests)}",
        Severity.WARNING if policy.take_over else Severity.ERROR,
        remedy="" if policy.take_over else "Delete them first, or move them elsewhere. --take-over deletes them too.",
        address=str(host.address),
        code="others-on-endpoint",
    )


def _along(desired: Desired[Any], seen: Observation | None) -> list[PlannedResource]:
    """Return the further objects of the stack that are deleted with the same host: kept deployments, and the remains of
    an interrupted rollout."""
    others = seen.others if seen and desired.traits.hosted else ()
    return [
        PlannedResource(
            address=Address(desired.address.kind, other.name),
            action=Action.NO_OP,
            identity=other.name,
            reason=_ALONG,
            depends_on=desired.depends_on,
            fingerprint=other.fingerprint,
        )
        for other in others
    ]


def decide_prune(
    kind: str, live: Live, after: tuple[Address, ...], claim: Claim
) -> tuple[PlannedResource, tuple[Diagnostic, ...]]:
    """Plan to delete an object of this stack that the spec no longer contains.

    after: addresses to apply first. claim: the claim of the stack.
    """
    address = Address(kind, live.name)
    action, reason = Action.DELETE, "no longer in the spec"
    if live.owner.ownership is Ownership.MOVED:
        reason += f"; stack moved: {live.owner.source} -> {claim.source}"
    elif live.owner.ownership is not Ownership.OURS:
        reason += f"; taken over from {live.owner}"
    findings: tuple[Diagnostic, ...] = ()
    if live.busy:
        action, reason = Action.NO_OP, f"no longer in the spec; in use ({live.busy}): not deleted"
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


def _action(desired: Desired[Any], live: Live | None, stands: Standing, archive: bool) -> tuple[Action, str]:
    traits = desired.traits
    if traits.hosted:
        return Action.NO_OP, _ALONG
    if live is None:
        return Action.NO_OP, "not in the workspace"
    if stands not in (Standing.OURS, Standing.CLAIMED):
        return Action.NO_OP, "not managed by this stack: not deleted"
    if stands is Standing.CLAIMED and traits.nature is Nature.MUTABLE:
        return (
            Action.DELETE,
            f"{LOST if not live.owner.stack else f'taken over from {live.owner}'}; stops billing",
        )
    match traits.nature:
        case Nature.RUN if not RunState.ended(live.state):
            return Action.DELETE, "running: will be cancelled"
        case Nature.RUN:
            return Action.NO_OP, "finished: kept as history"
        case Nature.VERSION if live.state == Provisioning.ARCHIVED:
            return Action.NO_OP, "archived"
        case Nature.VERSION:
            return (Action.DELETE, "will be archived") if archive else (Action.NO_OP, "kept: storage cost only")
        case _ if live.busy:
            return Action.NO_OP, f"in use ({live.busy}): not deleted"
        case _ if traits.accompanies:
            return Action.DELETE, "deleted before its deployment"
        case _:
            return Action.DELETE, "stops billing"
