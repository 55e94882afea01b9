"""The vCPUs that carrying out a plan takes, beyond those its resources hold already."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from phift.address import Address
from phift.compile.desired import Desired
from phift.compile.facts import LOW_PRIORITY, REGION, Size, pool_of
from phift.plan.action import Action
from phift.preflight.subject import Subject

__all__ = ["Demand", "demands", "reserved"]

_RESERVE = 1.2
"""Of a managed online deployment, in whole instances; the service waives the fifth more for some sizes (Azure docs)."""
_MAKES = {Action.CREATE, Action.REPLACE}
_TRAINS = {Action.RUN, Action.ADOPT}


@dataclass(frozen=True)
class Demand:
    """What one resource takes of every one of `pools`, the narrowest first.

    vcpus: with what the service reserves; certain: without it. most: what it may grow to, 0 where it does not grow.
    how: where the number comes from. later: it is taken only after a job has run. queues: a job waits where it does not
    fit now, instead of failing. path: its place in the spec.
    """

    address: Address
    path: str
    size: Size
    pools: tuple[str, ...]
    vcpus: int
    certain: int
    how: str
    most: int = 0
    later: bool = False
    queues: bool = False


def reserved(instances: int) -> int:
    """The instances of quota that the service takes for so many of a deployment."""
    return math.ceil(round(_RESERVE * instances, 6))


def demands(subject: Subject) -> Iterator[Demand]:
    """One a resource that needs more than it holds. Sizes whose family nobody tells are left out."""
    actions = {p.address: p.action for p in subject.planned}
    trains = any(a.kind == "job" and action in _TRAINS for a, action in actions.items())
    for desired in subject.stack.of_kind("compute"):
        if demand := _of_compute(subject, desired, actions.get(desired.address, Action.NO_OP), trains=trains):
            yield demand
    for desired in subject.stack.of_kind("deployment"):
        if demand := _of_deployment(subject, desired, actions.get(desired.address, Action.NO_OP), trains=trains):
            yield demand


def _of_compute(subject: Subject, desired: Desired, action: Action, *, trains: bool) -> Demand | None:
    """At least one node must fit for a cluster to be made at all, and a job needs all of its nodes at once."""
    _, size = subject.size_of(desired)
    if size is None or not size.family or (desired.address.name != "finetune"):
        return None
    live = subject.live(desired)
    wanted = live.properties if live is not None and not live.ours else desired.properties
    least, most = int(wanted.get("min_instances") or 0), int(wanted.get("max_instances") or 0)
    makes = action in _MAKES
    moved = makes or (
        action is Action.UPDATE and live is not None and most > int(live.properties["max_instances"] or 0)
    )
    to_exist = max(1, least) if makes else least if action is Action.UPDATE else 0
    to_train = int(desired.parts.get("nodes") or 1) if trains else 0
    held = int(live.facts.get("nodes") or 0) if live is not None and action is not Action.CREATE else 0
    nodes = max(to_exist, to_train)
    if nodes <= held and not moved:
        return None
    low = str(wanted.get("tier") or "dedicated").replace("_", "").lower() == "lowpriority"
    taken = max(0, nodes - held) * size.vcpus
    return Demand(
        desired.address,
        f"compute.{desired.address.name}.size",
        size,
        (LOW_PRIORITY,) if low else (pool_of(size.family), REGION),
        taken,
        taken,
        f"{nodes} x {size.vcpus}: {_count(nodes, 'node')} of {size.name}" + (f", {held} of them there" if held else ""),
        most=most * size.vcpus if moved else 0,
        queues=to_exist <= held,
    )


def _of_deployment(subject: Subject, desired: Desired, action: Action, *, trains: bool) -> Demand | None:
    """A new one beside the old takes all of it; one changed in place, or deleted first, what it has not."""
    size = subject.facts.size(str(desired.properties["instance_type"]))
    if size is None or not size.family or action not in {*_MAKES, Action.UPDATE}:
        return None
    live = subject.live(desired) if action is not Action.CREATE else None
    there = int(live.properties.get("instance_count") or 0) if live else 0
    count = int(desired.properties.get("instance_count") or there or desired.parts.get("initial_count") or 1)
    held = subject.facts.size(str(live.properties.get("instance_type"))) if live else None
    if held is None or held.family != size.family or (action is Action.UPDATE and held.name != size.name):
        there, held = 0, None
    cores = held.vcpus if held else 0
    taken = reserved(count) * size.vcpus - reserved(there) * cores
    if taken <= 0:
        return None
    extra = reserved(count) - count
    return Demand(
        desired.address,
        "deployment.instance_type",
        size,
        (pool_of(size.family), REGION),
        taken,
        count * size.vcpus - there * cores,
        f"{reserved(count)} x {size.vcpus}: {_count(count, 'instance')} of {size.name}, and the service reserves "
        f"{extra} more" + (f"; {reserved(there) * cores} are held by {live.name}" if live and there else ""),
        later=trains,
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
