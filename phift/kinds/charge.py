"""What the resources of a kind bill: nodes of a VM size, continuously or for the time of a job."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEDICATED", "LOW_PRIORITY", "Rate", "Work"]

DEDICATED, LOW_PRIORITY = "dedicated", "low_priority"


@dataclass(frozen=True)
class Rate:
    """Nodes that are billed as long as a resource exists.

    nodes: billed at all times. most: the maximum number if it scales, else None. current: the number of nodes of a live
    object now, if it differs. region: empty for that of the workspace. side_by_side: whether a new object runs next to
    the one that it replaces.
    """

    size: str
    nodes: int
    tier: str = DEDICATED
    region: str = ""
    most: int | None = None
    current: int | None = None
    side_by_side: bool = False


@dataclass(frozen=True)
class Work:
    """What a run bills.

    rate: the nodes of the training. other: the node of the steps before and after it, if they run elsewhere. idle,
    other_idle: seconds that idle nodes are kept. always, other_always: nodes that exist at all times; they are billed
    whether or not it runs. base_model: its id, by which earlier runs are comparable. retries: how often phift may
    submit it again.
    """

    rate: Rate
    other: Rate | None = None
    idle: float = 0.0
    other_idle: float = 0.0
    always: int = 0
    other_always: int = 0
    base_model: str = ""
    retries: int = 0
