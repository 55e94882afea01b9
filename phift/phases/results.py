"""What comes of many stacks: a value for each, and what holds over all."""

from __future__ import annotations

from dataclasses import dataclass, field

from phift.apply.events import ApplyFinished
from phift.errors import PhiftError
from phift.exits import worst
from phift.kinds.demand import Demand
from phift.plan.model import Counts, Plan
from phift.workbench.open import Workbench
from phift.workbench.request import Request

__all__ = ["ManyApplied", "ManyPlans", "StackApplied", "StackPlan"]


@dataclass(frozen=True)
class StackPlan:
    """One stack's plan, or why there is none. stack: empty where not even the spec could be read. demands: what it
    takes of the quota."""

    request: Request
    stack: str = ""
    plan: Plan | None = None
    error: PhiftError | None = None
    bench: Workbench | None = field(default=None, repr=False, compare=False)
    demands: tuple[Demand, ...] = field(default=(), repr=False, compare=False)

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error else 0


@dataclass(frozen=True)
class ManyPlans:
    """The plans of a run, in the order of the requests."""

    stacks: tuple[StackPlan, ...]

    @property
    def plans(self) -> tuple[Plan, ...]:
        return tuple(s.plan for s in self.stacks if s.plan)

    @property
    def failed(self) -> tuple[StackPlan, ...]:
        return tuple(s for s in self.stacks if s.error)

    @property
    def counts(self) -> Counts:
        """Of all plans together."""
        counts = [p.counts for p in self.plans]
        return Counts(
            add=sum(c.add for c in counts),
            change=sum(c.change for c in counts),
            destroy=sum(c.destroy for c in counts),
            unchanged=sum(c.unchanged for c in counts),
        )

    @property
    def changes_something(self) -> bool:
        return any(p.changes_something for p in self.plans)

    @property
    def exit_code(self) -> int:
        """The gravest of all stacks."""
        return worst(s.exit_code for s in self.stacks)


@dataclass(frozen=True)
class StackApplied:
    """What became of one stack: result where its apply ran, error where it did not even begin or was ended.

    shared: of computes that it made for others too, before all the rest.
    """

    planned: StackPlan
    result: ApplyFinished | None = None
    error: PhiftError | None = None
    shared: ApplyFinished | None = None

    @property
    def results(self) -> tuple[ApplyFinished, ...]:
        """What ran of it, in order."""
        return tuple(r for r in (self.shared, self.result) if r)

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error else self.result.exit_code if self.result else 0


@dataclass(frozen=True)
class ManyApplied:
    """What became of all, in the order of the plans. Stacks without changes have neither result nor error."""

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
        """The gravest of all stacks."""
        return worst(s.exit_code for s in self.stacks)
