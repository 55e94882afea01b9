"""Plan a stack: one decision for each resource, with its reason, from desired and observed state.

Planning is pure: it does not read or write, so it can be tested with values alone. The kinds make the decisions, see
phift.kinds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
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
    """Return a planned resource for each desired one, in order, then the resources to remove; and the findings.

    An error among the findings rejects the plan. observed: observations by address; that of a run may be missing if its
    result exists. Raises UsageError if the policy replaces a resource that cannot be replaced.
    """
    require_replaceable(stack, policy.replace)
    decided: dict[Address, PlannedResource] = {}
    context = PlanContext(stack, observed, policy, decided)
    findings: list[Diagnostic] = []
    tentative: list[Diagnostic] = []
    strangers: list[Stranger] = []
    for desired in sorted(stack.resources, key=lambda d: d.traits.decided_last):
        seen = observed.get(desired.address)
        decision = _decide(desired, seen, context, kinds[desired.address.kind])
        if decision.stranger is None and (host := _replaced_host(desired, context)):
            # The replacement deletes all that the host has.
            seen, decision = None, _with_host(kinds[desired.address.kind].decide(desired, None, context), host)
        decided[desired.address] = resource = replaced(decision.resource, seen, policy.replace)
        findings += (*protected_from(resource, seen), *decision.findings, *staying(resource))
        tentative += decision.tentative
        strangers += [decision.stranger] if decision.stranger else []
    findings += refusals(stack, strangers) if strangers else tentative
    removed: list[PlannedResource] = []
    for desired in stack.resources:
        seen = None if _replaced_host(desired, context) else observed.get(desired.address)
        removals, held = kinds[desired.address.kind].removals(desired, seen, context)
        removed += removals
        findings += held
    return (*(decided[d.address] for d in stack.resources), *removed), tuple(findings)


def _replaced_host(desired: Desired[Any], context: PlanContext) -> Address | None:
    """Return the host of a resource, if the plan replaces it."""
    if not desired.traits.hosted:
        return None
    hosts = (d.address for d in context.stack.resources if d.traits.hosts and d.address in context.planned)
    return next((host for host in hosts if context.planned[host].action is Action.REPLACE), None)


def _with_host(decision: Decision, host: Address) -> Decision:
    return replace(decision, resource=replace(decision.resource, reason=f"{host} is replaced"))


def _decide(desired: Desired[Any], seen: Observation | None, context: PlanContext, kind: Kind[Any, Any]) -> Decision:
    policy = context.policy
    live = seen.live if seen else None
    if live and desired.owned and standing(desired, live, policy) is Standing.REFUSED:
        lost = desired.address in policy.lost
        stranger = Stranger(desired.address, live.name, live.owner, lost, desired.traits.adoptable)
        return Decision(planned(desired, Action.NO_OP, live, "owned by another stack"), stranger=stranger)
    return kind.decide(desired, seen, context)


def staying(resource: PlannedResource) -> Iterator[Diagnostic]:
    """Yield a warning for fields that were removed from the spec and cannot be reset."""
    stay = [c for c in resource.changes if c.rule == STAYS]
    if stay:
        yield Diagnostic(
            f"{', '.join(c.path for c in stay)}: removed from the spec, but {resource.identity} keeps the value",
            severity=Severity.WARNING,
            detail=f"{stay[0].reason[:1].upper()}{stay[0].reason[1:]}.",
            remedy=f"Add it to the spec again, or destroy {resource.address} and re-run `phift apply` to "
            "create it without the value.",
            address=str(resource.address),
            code="setting-stays",
        )
