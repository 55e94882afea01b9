"""The vCPUs of a cluster's nodes."""

from __future__ import annotations

from phift.kinds import charge
from phift.kinds.compute.checks import elsewhere
from phift.kinds.compute.parts import FINETUNE, ComputeParts
from phift.kinds.compute.tier import tier_of
from phift.kinds.demand import MAKES, Demand
from phift.kinds.subject import Subject
from phift.kinds.words import plural
from phift.plan.action import Action
from phift.state.desired import Desired
from phift.state.facts import LOW_PRIORITY, REGION, pool_of
from phift.state.live import Live
from phift.workspace import region_name

__all__ = ["demand"]


def demand(subject: Subject, desired: Desired[ComputeParts], action: Action, trains: bool) -> Demand | None:
    """Return the demand of a cluster: at least one node to create it; all nodes of a job at once."""
    _, size = subject.size_of(desired)
    if size is None or not size.family or desired.parts.task != FINETUNE:
        return None
    if elsewhere(subject, desired):
        return None
    live = subject.live(desired)
    wanted = subject.effective(desired)
    least, most = int(wanted.get("min_instances") or 0), int(wanted.get("max_instances") or 0)
    makes = action in MAKES
    moved = makes or (
        action is Action.UPDATE and live is not None and most > int(live.properties["max_instances"] or 0)
    )
    to_exist = max(1, least) if makes else least if action is Action.UPDATE else 0
    to_train = desired.parts.nodes if trains else 0
    held = _nodes(live) if live is not None and action not in MAKES else 0
    nodes = max(to_exist, to_train)
    if nodes <= held and not moved:
        return None
    low = tier_of(subject, desired, live, action) == charge.LOW_PRIORITY
    taken = max(0, nodes - held) * size.vcpus
    return Demand(
        desired.address,
        f"compute.{desired.address.name}.size",
        size,
        (LOW_PRIORITY,) if low else (pool_of(size.family), REGION),
        taken,
        taken,
        f"{nodes} x {size.vcpus}: {plural(nodes, 'node')} of {size.name}"
        + (f", {held} already running" if held else ""),
        lambda other: max(0, nodes - held) * other.vcpus,
        most=most * size.vcpus if moved else 0,
        queues=to_exist <= held,
        allow=desired.parts.allow,
        shared=True,
        released=_released(subject, live) if live is not None and action is Action.REPLACE else {},
    )


def _released(subject: Subject, live: Live) -> dict[str, int]:
    """Return the vCPUs by pool that the deletion of a cluster releases."""
    size = subject.facts.size(str(live.properties["size"]))
    here = region_name(subject.facts.location)
    if size is None or (live.properties.get("location") or here) != here:
        return {}
    vcpus = _nodes(live) * size.vcpus
    if live.properties.get("tier") == charge.LOW_PRIORITY:
        return {LOW_PRIORITY: vcpus}
    return {pool_of(size.family): vcpus, REGION: vcpus}


def _nodes(live: Live) -> int:
    """Return the current number of nodes of a cluster."""
    inner = (live.raw.get("properties") or {}).get("properties") or {}
    return int(inner.get("currentNodeCount") or 0)
