"""Plan an autoscale setting, and the removal of settings that the spec no longer has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from phift.address import Address
from phift.diagnostics import Diagnostic
from phift.kinds.autoscale.parts import AutoscaleObservation, AutoscaleParts
from phift.kinds.autoscale.strays import EXISTS
from phift.plan.action import Action
from phift.plan.decision import Decision, PlanContext, mutable, planned
from phift.plan.model import PlannedResource
from phift.state.desired import Desired
from phift.state.live import Live, Observation

__all__ = ["decide", "without_strays"]

_NOT_IN_SPEC = "no longer in the spec"


def decide(desired: Desired[AutoscaleParts], seen: AutoscaleObservation | None, context: PlanContext) -> Decision:
    """Plan to create or update the setting; reject a deployment that another setting scales."""
    if seen is not None and seen.rival is not None:
        return Decision(planned(desired, Action.NO_OP, seen.live, ""), findings=(_rival(desired, seen.rival),))
    live = seen.live if seen else None
    return Decision(mutable(desired, live, context.rules(desired), context.policy, context.stack.claim))


def _rival(desired: Desired[AutoscaleParts], rival: Live) -> Diagnostic:
    owner = f"belongs to {rival.owner}" if rival.owner.stack else "is not managed by phift"
    deployment = desired.properties["deployment"]
    return Diagnostic(
        f"autoscale setting {rival.name} already scales deployment {deployment}; it {owner}",
        detail="A deployment can have one autoscale setting.",
        remedy=f"Delete it: `az monitor autoscale delete --name {rival.name} --resource-group {_group(rival)}`. "
        "To keep it, remove deployment.autoscale and write `instance_count: {initial: N}`.",
        address=str(desired.address),
        code="autoscale-taken",
    )


def _group(live: Live) -> str:
    parts = live.object_id.split("/")
    return parts[4] if len(parts) > 4 else "GROUP"


def without_strays(
    strays: Sequence[Live],
    resources: Sequence[PlannedResource],
    observed: Mapping[Address, Observation],
    destroying: bool,
) -> tuple[PlannedResource, ...]:
    """Return the planned resources with the deletion of each stray setting.

    The setting of a deployment that is deleted goes after the traffic has moved, and before the deployment. That of a
    deployment that stays, but no longer scales, goes before the deployment is updated. Deployments that are kept for a
    rollback keep theirs. In a destroy, all go before their endpoint.
    """
    plan = {resource.address: resource for resource in resources}
    deployments, endpoints = _deployments(resources, observed), _endpoints(resources, observed)
    deleted = (r for r in resources if r.address.kind == "deployment" and r.action is Action.DELETE)
    removed = {(r.decided.endpoint.lower(), r.identity.lower()): r for r in deleted}
    hosting = tuple(r.address for r in resources if r.address.kind == "endpoint" and r.action is Action.DELETE)
    for stray in strays:
        target = str(stray.raw["properties"]["targetResourceUri"]).lower()
        address = Address("autoscale", stray.name)
        endpoint, _, name = target.rpartition("/onlineendpoints/")[2].partition("/deployments/")
        host = deployments.get(target) or removed.get((endpoint, name)) or endpoints.get(endpoint)
        after: tuple[Address, ...] = ()
        if not stray.facts[EXISTS]:
            reason = "its deployment no longer exists"
        elif destroying:
            after, reason = hosting, "deleted with its deployment"
        elif host is None or (host.action is not Action.DELETE and host.address not in observed):
            continue
        else:
            goes, host = host.action is Action.DELETE, plan[host.address]
            after, reason = (host.depends_on, "deleted before its deployment") if goes else ((), _NOT_IN_SPEC)
            plan[host.address] = replace(host, depends_on=(*host.depends_on, address))
        plan[address] = PlannedResource(
            address=address,
            action=Action.DELETE,
            identity=stray.name,
            reason=reason,
            depends_on=after,
            fingerprint=stray.fingerprint,
        )
    return tuple(plan.values())


def _deployments(
    resources: Sequence[PlannedResource], observed: Mapping[Address, Observation]
) -> dict[str, PlannedResource | None]:
    """Return what is planned for each live deployment of the stack, by lower-case ARM id; None if it is kept."""
    found: dict[str, PlannedResource | None] = {}
    for address, seen in observed.items():
        if address.kind != "deployment":
            continue
        if seen.live:
            found[seen.live.object_id.lower()] = next((r for r in resources if r.address == address), None)
        removed = [r for r in resources if r.address.kind == address.kind and r.address not in observed]
        for other in seen.others:
            found[other.object_id.lower()] = next((r for r in removed if r.identity == other.name), None)
    return found


def _endpoints(
    resources: Sequence[PlannedResource], observed: Mapping[Address, Observation]
) -> dict[str, PlannedResource]:
    """Return the planned deletions of endpoints that left the spec, by lower-case name."""
    planned = (r for r in resources if r.address.kind == "endpoint" and r.address not in observed)
    return {r.identity.lower(): r for r in planned}
