"""The vCPUs of the quota of the region that a plan needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from phift.address import Address
from phift.plan.action import Action
from phift.state.facts import BaseModel, Size, Task, Usage

__all__ = ["MAKES", "Demand", "available"]

MAKES = frozenset({Action.CREATE, Action.REPLACE})
"""Actions that create an object."""


@dataclass(frozen=True)
class Demand:
    """The vCPUs that a resource needs of each of `pools`, the narrowest pool first."""

    address: Address
    path: str
    """Path in the spec."""
    size: Size
    pools: tuple[str, ...]
    vcpus: int
    """Including the reserve of the service."""
    certain: int
    """Excluding a reserve that the service may not require."""
    how: str
    """The calculation, for display."""
    resized: Callable[[Size], int]
    """Returns the vCPUs that the resource would need with another VM size."""
    most: int = 0
    """Maximum after scaling; 0 if it does not scale."""
    later: bool = False
    """Needed only after a job has finished."""
    queues: bool = False
    """A job waits in the queue if it does not fit now."""
    task: Task = "finetune"
    """The task whose VM size allow-list applies."""
    model: BaseModel | None = None
    """Whose allow-list applies; None: that of the base model."""
    allow: tuple[str, ...] = ()
    """Sizes that the author accepts; empty: all."""
    shared: bool = False
    """Counted once for all stacks of a run that use the same resource."""
    released: Mapping[str, int] = field(default_factory=dict)
    """vCPUs by pool of the object that is replaced: it is deleted before the resource is created."""


def available(usage: Usage, *demands: Demand) -> int:
    """Return the vCPUs of a pool that are available when the resources of the demands are created."""
    released = sum(demand.released.get(usage.pool, 0) for demand in demands)
    return max(0, usage.limit - max(0, usage.used - released))
