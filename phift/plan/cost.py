"""The estimated cost of a plan as a value: what the apply bills once, and what is billed a month afterwards.

All amounts are US dollars. An unknown amount is None, never 0. Nothing here is exact: prices are list prices, and times
are those of earlier jobs or of a formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from phift.address import Address

__all__ = ["CURRENCY", "HOURS_A_MONTH", "Budget", "Cost", "CostLine", "Price", "Range"]

CURRENCY = "USD"
HOURS_A_MONTH = 730
"""Hours of a month, as Azure's price calculator counts."""


@dataclass(frozen=True)
class Range:
    """An estimate. low and high enclose likely values, but are not bounds."""

    low: float
    middle: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Range:
        return cls(value, value, value)

    def times(self, factor: float) -> Range:
        return Range(self.low * factor, self.middle * factor, self.high * factor)

    def plus(self, other: Range) -> Range:
        return Range(self.low + other.low, self.middle + other.middle, self.high + other.high)

    @property
    def exact(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True)
class Price:
    """The price of a node in US dollars an hour; None if unknown.

    source: "spec", "workspace", "retail" or "catalogue"; empty if unknown. as_of: ISO date, "undated", or empty.
    listed: the price that another source has, next to a price of the spec; None if unknown.
    """

    usd_per_hour: float | None = None
    source: str = ""
    as_of: str = ""
    listed: float | None = None

    @property
    def at_least_listed(self) -> Price:
        """The higher of a price of the spec and the listed price."""
        if self.usd_per_hour is None or self.listed is None or self.listed <= self.usd_per_hour:
            return self
        return replace(self, usd_per_hour=self.listed)


@dataclass(frozen=True)
class CostLine:
    """The cost of one resource, or of a part of it.

    nodes: billed concurrently. hours: node hours of the apply, None for what is billed continuously, or if unknown.
    """

    address: Address
    part: str
    """"run", "always_on", "rollout" or "other_steps"."""
    size: str
    nodes: int
    price: Price
    tier: str = "dedicated"
    region: str = ""
    hours: Range | None = None
    now: int | None = None
    """Of what is billed continuously: the nodes before the apply."""
    most: int | None = None
    """Of what scales: the maximum number of nodes."""
    duration: Range | None = None
    """Hours that a run takes, from its submission to its end; None if unknown, and for other parts."""
    basis: str = ""
    """The source of the hours, for display."""
    stops: bool = False
    """Whether the apply ends the charge."""
    stack: str = ""
    """In the cost of several stacks: the stack of the resource."""

    @property
    def label(self) -> str:
        """The address, of one of several stacks after its name."""
        return f"{self.stack} {self.address}" if self.stack else str(self.address)

    @property
    def continuous(self) -> bool:
        return self.now is not None

    @property
    def once(self) -> Range | None:
        """US dollars of the apply; None if unknown."""
        if self.hours is not None and not self.hours.high:
            return Range.exactly(0.0)
        if self.hours is None or self.price.usd_per_hour is None:
            return None
        return self.hours.times(self.price.usd_per_hour)

    def monthly(self, nodes: int) -> float | None:
        """Return US dollars a month of this number of nodes; None if unknown."""
        if not nodes:
            return 0.0
        rate = self.price.usd_per_hour
        return None if rate is None else nodes * rate * HOURS_A_MONTH

    def to_dict(self) -> dict[str, Any]:
        once = self.once
        data: dict[str, Any] = {
            "address": str(self.address),
            "part": self.part,
            "size": self.size,
            "tier": self.tier,
            "region": self.region,
            "nodes": self.nodes,
            "usd_per_hour": self.price.usd_per_hour,
            "source": self.price.source,
            "as_of": self.price.as_of,
        }
        if self.price.source == "spec":
            data["usd_per_hour_listed"] = self.price.listed
        if self.continuous:
            return data | {
                "nodes_now": self.now,
                "nodes_most": self.most,
                "per_month": _cents(self.monthly(self.nodes)),
                "per_month_now": _cents(self.monthly(self.now or 0)),
                "per_month_most": _cents(self.monthly(self.most)) if self.most is not None else None,
                "stops": self.stops,
            }
        hours, duration = (asdict(value) if value else None for value in (self.hours, self.duration))
        return data | {"hours": hours, "duration": duration, "apply": _range(once), "basis": self.basis}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CostLine:
        return cls(
            address=Address.parse(data["address"]),
            part=data["part"],
            size=data["size"],
            nodes=data["nodes"],
            price=Price(data["usd_per_hour"], data["source"], data["as_of"], data.get("usd_per_hour_listed")),
            tier=data["tier"],
            region=data["region"],
            hours=_read_range(data.get("hours")),
            now=data.get("nodes_now"),
            most=data.get("nodes_most"),
            duration=_read_range(data.get("duration")),
            basis=data.get("basis", ""),
            stops=bool(data.get("stops", False)),
        )


@dataclass(frozen=True)
class Cost:
    """The cost of a plan. region: of the workspace. notes: remarks for people."""

    region: str
    lines: tuple[CostLine, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def together(cls, costs: Iterable[tuple[str, Cost | None]]) -> Cost | None:
        """Return the cost of several plans together, given with their stacks; None if none of them has one."""
        found = [(stack, cost) for stack, cost in costs if cost is not None]
        lines = tuple(replace(line, stack=stack) for stack, cost in found for line in cost.lines)
        return cls(found[0][1].region, lines) if found else None

    @property
    def at_list_prices(self) -> Cost:
        """The cost where no price of the spec is below the listed price, so that the spec cannot lower it."""
        return replace(self, lines=tuple(replace(line, price=line.price.at_least_listed) for line in self.lines))

    def without(self, address: Address) -> Cost:
        """Return the cost without the lines of a resource."""
        return replace(self, lines=tuple(line for line in self.lines if line.address != address))

    @property
    def once(self) -> Range:
        """US dollars of the apply, without what is unknown."""
        total = Range.exactly(0.0)
        for line in self.lines:
            total = total.plus(line.once or Range.exactly(0.0))
        return total

    @property
    def per_month(self) -> float:
        """US dollars a month after the apply, without what is unknown."""
        return sum(line.monthly(line.nodes) or 0.0 for line in self._continuous)

    @property
    def per_month_now(self) -> float:
        """US dollars a month before the apply, without what is unknown."""
        return sum(line.monthly(line.now or 0) or 0.0 for line in self._continuous)

    @property
    def per_month_most(self) -> float:
        """US dollars a month if everything that scales runs at its maximum, without what is unknown."""
        return sum(line.monthly(max(line.nodes, line.most or 0)) or 0.0 for line in self._continuous)

    @property
    def unknown_once(self) -> tuple[str, ...]:
        """The parts of the apply without an estimate."""
        return _named(line for line in self.lines if not line.continuous and line.once is None)

    @property
    def unknown_monthly(self) -> tuple[str, ...]:
        """What is billed continuously at an unknown price."""
        return _named(line for line in self._continuous if line.monthly(max(line.nodes, line.most or 0)) is None)

    @property
    def scales(self) -> bool:
        return any(line.most is not None and line.most > line.nodes for line in self._continuous)

    @property
    def _continuous(self) -> tuple[CostLine, ...]:
        return tuple(line for line in self.lines if line.continuous)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values with stable keys. Amounts are rounded to cents."""
        return {
            "currency": CURRENCY,
            "region": self.region,
            "hours_a_month": HOURS_A_MONTH,
            "lines": [line.to_dict() for line in self.lines],
            "apply": {**(_range(self.once) or {}), "unknown": list(self.unknown_once)},
            "per_month": {
                "now": _cents(self.per_month_now),
                "after": _cents(self.per_month),
                "most": _cents(self.per_month_most),
                "difference": _cents(self.per_month - self.per_month_now),
                "unknown": list(self.unknown_monthly),
            },
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cost:
        """Read the result of `to_dict`. Sums are computed again."""
        return cls(data["region"], tuple(CostLine.from_dict(line) for line in data["lines"]), tuple(data["notes"]))


@dataclass(frozen=True)
class Budget:
    """Limits in US dollars; None: no limit. refuse_unknown: whether an unknown amount rejects the plan.

    origin: what sets it, for messages. controls: whether the command line sets it, so that nothing in the spec may
    loosen it.
    """

    apply: float | None = None
    per_month: float | None = None
    refuse_unknown: bool = False
    origin: str = field(default="budget", compare=False)
    controls: bool = field(default=False, compare=False)

    def named(self, limit: str) -> str:
        """Return the name of a limit for messages: `budget.apply` of the spec, else the option."""
        return self.origin if self.controls else f"{self.origin}.{limit}"


def _named(lines: Iterable[CostLine]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.label for line in lines))


def _cents(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2)


def _range(value: Range | None) -> dict[str, float] | None:
    return None if value is None else {name: round(number, 2) for name, number in asdict(value).items()}


def _read_range(data: Mapping[str, Any] | None) -> Range | None:
    return None if data is None else Range(**{f.name: float(data[f.name]) for f in fields(Range)})
