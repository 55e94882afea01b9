"""Objects of a stack that are billed while nobody watches: overdue jobs, kept deployments, clusters that stay up."""

from __future__ import annotations

from dataclasses import dataclass

from phift.address import Address
from phift.plan.model import Decided
from phift.state.live import Live

__all__ = ["Billing", "Unwatched"]


_NOTHING = Decided()


@dataclass(frozen=True)
class Billing:
    """What is billed by the hour. size: the VM size. count: of instances. low_priority: their tier."""

    size: str
    count: int
    low_priority: bool = False


@dataclass(frozen=True)
class Unwatched:
    """An object that is billed while nobody watches.

    what: "overdue job", "kept deployment", ... reason: one clause that states why it is listed. due: whether `phift
    expire` deletes it, or cancels it. seconds: since it is due, 0 otherwise. decided: values that the deletion needs.
    billing: None if nothing is billed by the hour, or if its size is unknown. usd_per_hour: its price; None if unknown.
    """

    address: Address
    live: Live
    what: str
    reason: str
    due: bool = False
    seconds: float = 0.0
    decided: Decided = _NOTHING
    billing: Billing | None = None
    usd_per_hour: float | None = None
