"""Objects of a stack that are billed while nobody watches: overdue jobs, kept deployments, clusters that stay up."""

from __future__ import annotations

from dataclasses import dataclass

from phift.address import Address
from phift.kinds.charge import Rate
from phift.plan.model import Decided
from phift.state.live import Live

__all__ = ["Unwatched"]


_NOTHING = Decided()


@dataclass(frozen=True)
class Unwatched:
    """An object that is billed while nobody watches.

    what: "overdue job", "kept deployment", ... reason: one clause that states why it is listed. due: whether `phift
    expire` deletes it, or cancels it. seconds: since it is due, 0 otherwise. decided: values that the deletion needs.
    bills: its nodes; None if their size is unknown. usd_per_hour: their price; None if unknown.
    """

    address: Address
    live: Live
    what: str
    reason: str
    due: bool = False
    seconds: float = 0.0
    decided: Decided = _NOTHING
    bills: Rate | None = None
    usd_per_hour: float | None = None
