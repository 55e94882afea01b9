"""What live objects bill now."""

from __future__ import annotations

from dataclasses import dataclass

from phift.cost.prices import PriceBook
from phift.kinds.charge import Rate
from phift.kinds.registry import KINDS
from phift.plan.cost import Price
from phift.state.live import Live

__all__ = ["Running", "charged", "running"]


@dataclass(frozen=True)
class Running:
    """The nodes that an object bills now, of one VM size."""

    nodes: int
    size: str
    tier: str
    price: Price

    @property
    def usd_per_hour(self) -> float | None:
        """US dollars an hour of all nodes; None if the price is unknown."""
        if not self.nodes:
            return 0.0
        return None if self.price.usd_per_hour is None else self.nodes * self.price.usd_per_hour


def running(kind: str, live: Live, book: PriceBook) -> Running | None:
    """Return what a live object of a kind bills; None if the kind is not billed by nodes. Sends no request."""
    rate = KINDS[kind].rate(live)
    if rate is None:
        return None
    return charged(rate, rate.nodes if rate.current is None else rate.current, book)


def charged(rate: Rate, nodes: int, book: PriceBook) -> Running:
    """Return what a number of nodes of a rate bills. Sends no request."""
    return Running(nodes, rate.size, rate.tier, book.price(rate.size, rate.tier, rate.region))
