"""The vCPUs that carrying out a plan takes, beyond those its resources hold already."""

from __future__ import annotations

from collections.abc import Iterator

from phift.kinds.demand import Demand
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.plan.action import Action

__all__ = ["Demand", "demands"]

_TRAINS = {Action.RUN, Action.ADOPT}


def demands(subject: Subject) -> Iterator[Demand]:
    """One a resource that needs more than it holds. Sizes whose family nobody tells are left out."""
    actions = {p.address: p.action for p in subject.planned}
    trains = any(d.traits.trains and actions.get(d.address) in _TRAINS for d in subject.stack.resources)
    for desired in subject.stack.resources:
        action = actions.get(desired.address, Action.NO_OP)
        if demand := KINDS[desired.address.kind].demand(subject, desired, action, trains):
            yield demand
