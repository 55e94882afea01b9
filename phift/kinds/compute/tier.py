"""`tier: any`: the tier of a cluster, chosen by the free quota when the cluster is created."""

from __future__ import annotations

from dataclasses import replace

from phift.errors import AzureError
from phift.kinds.charge import DEDICATED, LOW_PRIORITY
from phift.kinds.compute.checks import elsewhere
from phift.kinds.compute.parts import ANY, ComputeParts
from phift.kinds.demand import MAKES
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.plan.model import Decided, PlannedResource
from phift.state.desired import Desired
from phift.state.facts import REGION, Size, pool_of
from phift.state.live import Live

__all__ = ["choose_tier", "tier_of", "with_tier"]


def choose_tier(subject: Subject, planned: PlannedResource) -> PlannedResource:
    """Return the planned cluster with its tier: dedicated if all its nodes fit into that quota, else low priority.

    A cluster that exists keeps its tier. Reads the usage of the region for a cluster that the plan creates.
    """
    desired = subject.stack.resource(planned.address)
    if desired is None or not isinstance(desired.parts, ComputeParts) or desired.parts.tier != ANY:
        return planned
    if planned.action not in MAKES:
        return planned
    _, size = subject.size_of(desired)
    tier, why = _chosen(subject, size, int(desired.properties["max_instances"]), elsewhere(subject, desired))
    return replace(
        planned,
        details={**planned.details, "tier": tier},
        notes=(*planned.notes, f"tier: any becomes {tier}: {why}"),
        decided=replace(planned.decided, tier=tier),
    )


def _chosen(subject: Subject, size: Size | None, nodes: int, place: str) -> tuple[str, str]:
    """Return the tier and the reason. place: the region, if it is not that of the workspace."""
    if place:
        return DEDICATED, f"the quota of {place} is not read"
    if size is None or not size.family:
        return DEDICATED, "the quota of the size is not known"
    if not size.low_priority:
        return DEDICATED, f"{size.name} has no low-priority nodes"
    try:
        usages = {usage.pool: usage for usage in subject.remote.usages()}
    except AzureError:
        return DEDICATED, "the usage of the region cannot be read"
    vcpus = nodes * size.vcpus
    pools = [usages[pool] for pool in (pool_of(size.family), REGION) if pool in usages]
    full = next((usage for usage in pools if not usage.unlimited and usage.free < vcpus), None)
    if full is None:
        return DEDICATED, f"the dedicated quota has room for {vcpus} vCPUs"
    return LOW_PRIORITY, f"{vcpus} vCPUs of {full.name} needed, {full.free} available"


def tier_of(subject: Subject, desired: Desired[ComputeParts], live: Live | None, action: Action) -> str:
    """Return the tier that a cluster has, or gets by the plan."""
    if live is not None and (subject.unmanaged(desired) or (desired.parts.tier and action not in MAKES)):
        return str(live.properties.get("tier") or DEDICATED)
    if not desired.parts.tier:
        return str(desired.properties.get("tier") or DEDICATED)
    planned = next((one for one in subject.planned if one.address == desired.address), None)
    return (planned.decided.tier if planned else "") or DEDICATED


def with_tier(desired: Desired[ComputeParts], decided: Decided) -> Desired[ComputeParts]:
    """Return the cluster with the tier that the plan chose."""
    if not decided.tier or not isinstance(desired.parts, ComputeParts):
        return desired
    return replace(desired, parts=replace(desired.parts, tier=decided.tier))
