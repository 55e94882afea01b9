"""The vCPUs of the instances of a deployment, including the reserve of the service."""

from __future__ import annotations

import math

from phift.kinds.demand import MAKES, Demand
from phift.kinds.deployment.count import wanted_count
from phift.kinds.deployment.parts import DeploymentParts
from phift.kinds.subject import Subject
from phift.kinds.words import plural
from phift.plan.action import Action
from phift.state.desired import Desired
from phift.state.facts import REGION, pool_of

__all__ = ["demand", "reserved"]

_RESERVE = 1.2
"""Of a managed online deployment, in whole instances; the service waives the fifth more for some sizes (Azure docs)."""


def reserved(instances: int) -> int:
    """Return the number of instances that the service counts against the quota."""
    return math.ceil(round(_RESERVE * instances, 6))


def demand(subject: Subject, desired: Desired[DeploymentParts], action: Action, trains: bool) -> Demand | None:
    """Return the demand: all instances of a new deployment next to the old one, otherwise the additional ones."""
    size = subject.facts.size(str(desired.properties["instance_type"]))
    if size is None or not size.family or action not in {*MAKES, Action.UPDATE}:
        return None
    live = subject.live(desired) if action is not Action.CREATE else None
    running = int(live.properties.get("instance_count") or 0) if live else 0
    count = wanted_count(desired, live)
    held = subject.facts.size(str(live.properties.get("instance_type"))) if live else None
    if held is None or held.family != size.family or (action is Action.UPDATE and held.name != size.name):
        running, held = 0, None
    cores = held.vcpus if held else 0
    taken = reserved(count) * size.vcpus - reserved(running) * cores
    if taken <= 0:
        return None
    extra = reserved(count) - count
    return Demand(
        desired.address,
        "deployment.instance_type",
        size,
        (pool_of(size.family), REGION),
        taken,
        count * size.vcpus - running * cores,
        f"{reserved(count)} x {size.vcpus}: {plural(count, 'instance')} of {size.name}, plus "
        f"{extra} reserved by the service"
        + (f"; {reserved(running) * cores} are held by {live.name}" if live and running else ""),
        later=trains,
        task="inference",
        allow=desired.parts.allow,
    )
