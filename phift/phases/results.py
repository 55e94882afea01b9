"""Results of many stacks: one value per stack, and totals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from phift.apply.events import ApplyFinished
from phift.errors import PhiftError
from phift.exits import worst
from phift.kinds.demand import Demand
from phift.plan.cost import Cost
from phift.plan.model import Counts, Plan
from phift.workbench.open import Workbench
from phift.workbench.request import Request
from phift.workbench.sessions import place_of

__all__ = ["ManyApplied", "ManyPlans", "Planned", "StackApplied", "StackPlan", "Unplanned"]


@dataclass(frozen=True)
class Planned:
    """A stack with a plan. demands: the vCPUs that it needs."""

    request: Request
    stack: str
    plan: Plan
    bench: Workbench = field(repr=False, compare=False)
    demands: tuple[Demand, ...] = field(default=(), repr=False, compare=False)

    exit_code: ClassVar[int] = 0

    @property
    def place(self) -> tuple[str, ...]:
        """The comparable identity of its workspace."""
        return place_of(self.bench.loaded)


@dataclass(frozen=True)
class Unplanned:
    """A stack that could not be planned. stack: empty if the spec could not be read. bench: None if it could not be
    opened."""

    request: Request
    error: PhiftError
    stack: str = ""
    bench: Workbench | None = field(default=None, repr=False, compare=False)

    @property
    def exit_code(self) -> int:
        return self.error.exit_code


StackPlan: TypeAlias = Planned | Unplanned


@dataclass(frozen=True)
class ManyPlans:
    """The plans of a run, in the order of the requests."""

    stacks: tuple[StackPlan, ...]

    @property
    def planned(self) -> tuple[Planned, ...]:
        return tuple(s for s in self.stacks if isinstance(s, Planned))

    @property
    def plans(self) -> tuple[Plan, ...]:
        return tuple(s.plan for s in self.planned)

    @property
    def failed(self) -> tuple[Unplanned, ...]:
        return tuple(s for s in self.stacks if isinstance(s, Unplanned))

    @property
    def counts(self) -> Counts:
        """The counts of all plans together."""
        counts = [p.counts for p in self.plans]
        return Counts(
            add=sum(c.add for c in counts),
            change=sum(c.change for c in counts),
            destroy=sum(c.destroy for c in counts),
            unchanged=sum(c.unchanged for c in counts),
        )

    @property
    def cost(self) -> Cost | None:
        """The cost of all plans together."""
        return Cost.together((p.stack, p.cost) for p in self.plans)

    @property
    def changes_something(self) -> bool:
        return any(p.changes_something for p in self.plans)

    @property
    def exit_code(self) -> int:
        """The most severe exit code of all stacks."""
        return worst(s.exit_code for s in self.stacks)


@dataclass(frozen=True)
class StackApplied:
    """The outcome of a stack: result if its apply ran, error if it did not start, could not be planned, or was aborted.

    shared: the result of creating computes shared with other stacks, which runs first.
    """

    planned: StackPlan
    result: ApplyFinished | None = None
    error: PhiftError | None = None
    shared: ApplyFinished | None = None

    @property
    def results(self) -> tuple[ApplyFinished, ...]:
        """The results of its applies, in order."""
        return tuple(r for r in (self.shared, self.result) if r)

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error else self.result.exit_code if self.result else 0


@dataclass(frozen=True)
class ManyApplied:
    """The outcomes of all stacks, in the order of the plans. Stacks without changes have neither result nor error."""

    stacks: tuple[StackApplied, ...]

    @property
    def added(self) -> int:
        return sum(r.added for s in self.stacks for r in s.results)

    @property
    def changed(self) -> int:
        return sum(r.changed for s in self.stacks for r in s.results)

    @property
    def destroyed(self) -> int:
        return sum(r.destroyed for s in self.stacks for r in s.results)

    @property
    def exit_code(self) -> int:
        """The most severe exit code of all stacks."""
        return worst(s.exit_code for s in self.stacks)
