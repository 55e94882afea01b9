"""Results of many stacks: one value per stack, and totals."""

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
    """The plan of a stack, or the error. stack: empty if the spec could not be read.

    demands: the vCPUs that it needs.
    """

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
        """The counts of all plans together."""
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
        """The most severe exit code of all stacks."""
        return worst(s.exit_code for s in self.stacks)


@dataclass(frozen=True)
class StackApplied:
    """The outcome of a stack: result if its apply ran, error if it did not start or was aborted.

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
