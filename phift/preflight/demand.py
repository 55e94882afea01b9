"""The vCPUs that a plan needs in addition to those that its resources already use."""

from __future__ import annotations

from collections.abc import Iterator

from phift.kinds.demand import Demand
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.plan.action import Action

__all__ = ["Demand", "demands"]

_TRAINS = {Action.RUN, Action.ADOPT}


def demands(subject: Subject) -> Iterator[Demand]:
    """Yield the demand of each resource that needs additional vCPUs. Skips VM sizes of an unknown family."""
    actions = {p.address: p.action for p in subject.planned}
    trains = any(d.traits.trains and actions.get(d.address) in _TRAINS for d in subject.stack.resources)
    for desired in subject.stack.resources:
        action = actions.get(desired.address, Action.NO_OP)
        if demand := KINDS[desired.address.kind].demand(subject, desired, action, trains):
            yield demand
