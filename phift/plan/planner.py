"""From what is wanted and what is live to what will be done: one decision a resource, each with its reason.

Pure: it reads nothing and writes nothing, so that a plan can be made and tested from values alone. What a decision
depends on is known to the kinds, see phift.kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.address import Address
from phift.diagnostics import Diagnostic, Severity
from phift.kinds.base import Kind
from phift.plan.action import Action
from phift.plan.decision import STAYS, Decision, PlanContext, planned
from phift.plan.model import PlannedResource
from phift.plan.replacing import protected_from, replaced, require_replaceable
from phift.plan.standing import DEFAULT, Policy, Standing, Stranger, refusals, standing
from phift.state.desired import Desired, Stack
from phift.state.live import Observation

__all__ = ["decide"]


def decide(
    stack: Stack,
    observed: Mapping[Address, Observation],
    kinds: Mapping[str, Kind[Any, Any]],
    policy: Policy = DEFAULT,
) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """A planned resource for each desired one, in their order, then what it removes; and findings, of which
    errors refuse the plan.

    observed: by address; that of a run may be missing when what it makes is there.
    Raises UsageError when the policy wants replaced what cannot be.
    """
    require_replaceable(stack, policy.replace)
    made: dict[Address, PlannedResource] = {}
    context = PlanContext(stack, observed, policy, made)
    findings: list[Diagnostic] = []
    tentative: list[Diagnostic] = []
    strangers: list[Stranger] = []
    for desired in sorted(stack.resources, key=lambda d: d.traits.decided_last):
        decision = _decide(desired, context, kinds[desired.address.kind])
        seen = observed.get(desired.address)
        made[desired.address] = resource = replaced(decision.resource, seen, policy.replace)
        findings += (*protected_from(resource, seen), *decision.findings, *staying(resource))
        tentative += decision.tentative
        strangers += [decision.stranger] if decision.stranger else []
    findings += refusals(stack, strangers) if strangers else tentative
    removed: list[PlannedResource] = []
    for desired in stack.resources:
        gone, held = kinds[desired.address.kind].removals(desired, observed.get(desired.address), context)
        removed += gone
        findings += held
    return (*(made[d.address] for d in stack.resources), *removed), tuple(findings)


def _decide(desired: Desired[Any], context: PlanContext, kind: Kind[Any, Any]) -> Decision:
    seen, policy = context.observed.get(desired.address), context.policy
    live = seen.live if seen else None
    if live and desired.owned and standing(desired, live, policy) is Standing.REFUSED:
        lost = desired.address in policy.lost
        stranger = Stranger(desired.address, live.name, live.owner, lost, desired.traits.adoptable)
        return Decision(planned(desired, Action.NO_OP, live, "owned by another"), stranger=stranger)
    return kind.decide(desired, seen, context)


def staying(resource: PlannedResource) -> Iterator[Diagnostic]:
    """A warning for the fields that left the spec and cannot be taken back."""
    stay = [c for c in resource.changes if c.rule == STAYS]
    if stay:
        yield Diagnostic(
            f"{', '.join(c.path for c in stay)}: removed from the spec, but kept by {resource.identity}",
            severity=Severity.WARNING,
            detail=f"{stay[0].reason[:1].upper()}{stay[0].reason[1:]}.",
            remedy=f"Write it into the spec again, or destroy {resource.address} and apply: "
            "that makes a new one without it.",
            address=str(resource.address),
            code="setting-stays",
        )
