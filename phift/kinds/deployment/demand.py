"""The vCPUs of the instances of a deployment, including the reserve of the service."""

from __future__ import annotations

from phift.catalog.vm_sizes import vm_size
from phift.kinds.demand import MAKES, Demand
from phift.kinds.deployment.count import wanted_count, with_serving_count
from phift.kinds.deployment.parts import DeploymentObservation, DeploymentParts
from phift.kinds.deployment.serving_model import serving_model
from phift.kinds.shared.reserve import reserved
from phift.kinds.subject import Subject
from phift.kinds.words import plural
from phift.plan.action import Action
from phift.state.desired import Desired
from phift.state.facts import REGION, pool_of

__all__ = ["demand", "reserved"]


def demand(subject: Subject, desired: Desired[DeploymentParts], action: Action, trains: bool) -> Demand | None:
    """Return the demand: all instances of a new deployment, otherwise the additional ones."""
    size = subject.facts.size(str(desired.properties["instance_type"]))
    if size is None or not size.family or action not in {*MAKES, Action.UPDATE}:
        return None
    live = subject.live(desired) if action is not Action.CREATE else None
    seen = subject.observed.get(desired.address)
    desired = with_serving_count(desired, seen if isinstance(seen, DeploymentObservation) else None)
    count = wanted_count(desired, live if action is Action.UPDATE else None)
    counted = reserved(count, size.name)
    running = int(live.properties.get("instance_count") or 0) if live else 0
    held = subject.facts.size(str(live.properties.get("instance_type"))) if live else None
    holds = reserved(running, held.name) * held.vcpus if held else 0
    released = {pool_of(held.family): holds, REGION: holds} if held and action is Action.REPLACE else {}
    if action is not Action.UPDATE or held is None or held.name != size.name:
        running, holds, held = 0, 0, None
    taken = counted * size.vcpus - holds
    if taken <= 0:
        return None
    extra = counted - count
    return Demand(
        desired.address,
        "deployment.instance_type",
        size,
        (pool_of(size.family), REGION),
        taken,
        taken if vm_size(size.name) else count * size.vcpus - running * (held.vcpus if held else 0),
        f"{counted} x {size.vcpus}: {plural(count, 'instance')} of {size.name}"
        + (f", plus {extra} reserved by the service" if extra else "")
        + (f"; {holds} are held by {live.name}" if live and running else "")
        + (f"; {released[REGION]} are released by the deletion of {live.name}" if live and released else ""),
        lambda other: reserved(count, other.name) * other.vcpus,
        later=trains,
        task="inference",
        model=serving_model(subject, desired),
        allow=desired.parts.allow,
        released=released,
    )
