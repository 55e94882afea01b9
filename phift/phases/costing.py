"""The cost of a plan: imported only if a plan on a target that is billed changes something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from phift.cost.budget import budget_of, over_budget
from phift.cost.estimate import Estimate, begin
from phift.cost.lines import tokens_of_job
from phift.diagnostics import Diagnostic
from phift.kinds.subject import Subject
from phift.phases.drafting import removed_objects
from phift.plan.cost import Budget, Cost
from phift.plan.model import PlannedResource
from phift.preflight.estimates import trainings
from phift.workbench.open import Workbench

__all__ = ["begin_estimate", "budget_findings", "with_tokens"]


def begin_estimate(bench: Workbench, subject: Subject, planned: Sequence[PlannedResource]) -> Estimate | None:
    """Start the estimate of a plan, see phift.cost.estimate."""
    return begin(subject, planned, bench.azure, removed=removed_objects(bench))


def budget_findings(bench: Workbench, cost: Cost | None, given: Budget | None) -> list[Diagnostic]:
    """Return the findings of the budget of the spec, and of the command line. The spec cannot loosen the latter."""
    found = over_budget(cost, budget_of(bench.loaded.spec.budget), given)
    return [replace(one, mark=bench.loaded.mark(one.path)) if one.path else one for one in found]


def with_tokens(subject: Subject, planned: Sequence[PlannedResource]) -> tuple[PlannedResource, ...]:
    """Return the plan with the number of tokens of its training, which apply records with the measured times."""
    counts = {
        dependent.address: tokens
        for one, training in trainings(subject.stack, tuple(planned))
        if (tokens := tokens_of_job(training))
        for dependent in subject.stack.dependents(one.address)
    }
    return tuple(
        replace(one, decided=replace(one.decided, tokens=counts[one.address])) if one.address in counts else one
        for one in planned
    )
