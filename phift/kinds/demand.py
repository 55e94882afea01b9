"""The vCPUs that carrying out a plan takes of the region's quota."""

from __future__ import annotations

from dataclasses import dataclass

from phift.address import Address
from phift.plan.action import Action
from phift.state.facts import Size, Task

__all__ = ["MAKES", "Demand"]

MAKES = frozenset({Action.CREATE, Action.REPLACE})
"""Actions after which there is a new object."""


@dataclass(frozen=True)
class Demand:
    """What one resource takes of every one of `pools`, the narrowest first."""

    address: Address
    path: str
    """Its place in the spec."""
    size: Size
    pools: tuple[str, ...]
    vcpus: int
    """With what the service reserves."""
    certain: int
    """Without it."""
    how: str
    """Where the number comes from."""
    most: int = 0
    """What it may grow to, 0 where it does not grow."""
    later: bool = False
    """It is taken only after a job has run."""
    queues: bool = False
    """A job waits where it does not fit now, instead of failing."""
    task: Task = "finetune"
    """For which of the model's lists of sizes it is."""
    allow: tuple[str, ...] = ()
    """The sizes that the author accepts; empty for all."""
    shared: bool = False
    """Stacks of one run that name the same resource take it once."""
