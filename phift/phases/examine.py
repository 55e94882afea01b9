"""Examine a stack: read the live objects, decide, and run all checks. The result is a plan, or a table of checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.diagnostics import LISTED, Diagnostic, Severity, capped, errors_of
from phift.errors import AzureError, RefusedError
from phift.kinds.check import NamedCheck
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.phases.drafting import prune, refused
from phift.plan.action import Action
from phift.plan.cost import Budget, Cost
from phift.plan.model import PlannedResource
from phift.plan.planner import decide
from phift.plan.selection import selected
from phift.plan.standing import DEFAULT, Policy
from phift.preflight.permissions import PERMISSIONS
from phift.preflight.run import Checked, run
from phift.preflight.waivers import Waived, split
from phift.state.desired import Desired
from phift.state.live import Observation
from phift.workbench.open import Workbench, observe
from phift.workbench.orphans import strangers
from phift.workbench.rename_check import former_name
from phift.workbench.strays import with_strays

if TYPE_CHECKING:
    from phift.cost.estimate import Estimate

__all__ = ["Examination", "examine"]


def _named(name: str, reads: str, source: str) -> NamedCheck:
    """Return the row of findings that the compiler or the planner yields."""
    return NamedCheck(lambda subject: iter(()), name, reads, source)


_SPEC = _named("spec", "fields, and values that must fit together", "the spec, the component, the base model")
_OWNERSHIP = _named("ownership", "owners, protection and states of existing resources", "the workspace")
_NAMES = _named("former-names", "names under which this spec has created stacks", "the workspace")
_OTHERS = _named("other-objects", "objects with the names of this stack that it does not contain", "the workspace")
_BUDGET = replace(
    _named("budget", "the estimated cost, by prices and earlier jobs", "the workspace, the Retail Prices API"),
    unknown=frozenset({"budget-unknown"}),
)
_DATA = _named("data-checks", "pinned results of data.checks", "phift.lock")


@dataclass(frozen=True)
class Examination:
    """The decisions about a stack, and each check with its findings, in the order in which they run.

    notes: lines of the data checks. cost: None if nothing billed changes, and on target local.
    """

    bench: Workbench
    subject: Subject
    observed: Mapping[Address, Observation]
    resources: tuple[PlannedResource, ...]
    checked: tuple[Checked, ...]
    notes: tuple[str, ...] = ()
    cost: Cost | None = None

    @property
    def trains(self) -> bool:
        """Whether a training will run."""
        return _trains(self.resources)

    @property
    def findings(self) -> list[Diagnostic]:
        return [finding for each in self.checked for finding in each.findings]

    def require_accepted(self) -> Examination:
        """Raise RefusedError with all findings if one of them is an error."""
        found = self.findings
        if errors_of(found):
            raise RefusedError(found if len(found) <= LISTED else capped(found))
        return self

    def completed(self) -> Examination:
        """Add what is examined only if there is no error: objects of others, and the checks of the data."""
        others = [replace(d, severity=Severity.WARNING) for d in refused(self.bench, strangers(self.bench))]
        warnings, notes = _data_checks(self.bench, self.resources)
        added = [Checked(_OTHERS, tuple(others))]
        if self.bench.loaded.spec.data is not None and self.bench.loaded.spec.data.checks is not None:
            added.append(Checked(_DATA, warnings))
        return replace(self, checked=(*self.checked, *added), notes=notes)

    def warnings(self) -> tuple[tuple[Diagnostic, ...], tuple[Waived, ...]]:
        """Return the warnings, those of the loaded spec first, and the waived ones."""
        found = (*self.bench.loaded.warnings, *(d for d in self.findings if d.severity is Severity.WARNING))
        return split(found, self.bench.loaded.spec.waivers)


def examine(
    bench: Workbench,
    policy: Policy = DEFAULT,
    *,
    select: Collection[Address] = (),
    writes: bool = True,
    priced: bool | None = None,
    permissions: bool = True,
    budget: Budget | None = None,
) -> Examination:
    """Return the decisions and the findings for a workbench, errors included.

    select: check only these addresses and their dependencies. writes: whether the plan may be applied; otherwise the
    permissions of the caller and the budget are not checked. priced: whether to estimate the cost; default: if the plan
    may be applied. permissions: whether the caller will apply the plan; otherwise only the permissions are not checked.
    budget: of the command line.
    """
    observed = observe(bench)
    # Drift and --take-over check all objects; otherwise the ledger is read only for generated names.
    everything = policy.reclaim or policy.take_over
    lost = bench.remembered.lost(bench.stack, observed, generated=not everything)
    policy = replace(policy, lost=lost)
    resources, findings = decide(bench.stack, observed, KINDS, policy)
    if _trains(resources):
        policy = replace(policy, missing=_missing(bench, observed))
        resources, findings = decide(bench.stack, observed, KINDS, policy)
    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, resources, bench.remote)
    resources = tuple(KINDS[r.address.kind].complete(subject, r) for r in resources)
    subject = replace(subject, planned=resources)
    pruned, kept = prune(bench)
    resources = (*bench.remembered.beside(resources, bench.stack), *pruned)
    resources = with_strays(bench, resources, observed, thorough=bool(pruned))
    chosen = selected(resources, select) if select else resources
    estimate = _estimate(bench, subject, chosen) if (writes if priced is None else priced) else None
    checked = (
        Checked(_SPEC, tuple(bench.stack.findings)),
        Checked(_OWNERSHIP, (*findings, *kept)),
        *run(replace(subject, planned=tuple(chosen)), skip=() if writes and permissions else (PERMISSIONS,)),
        Checked(_NAMES, tuple(former_name(bench, resources))),
    )
    if estimate is None:
        return Examination(bench, subject, observed, resources, checked)
    from phift.phases.costing import budget_findings, with_tokens

    cost = estimate.finish()
    if writes and (budget is not None or bench.loaded.spec.budget is not None):
        checked = (*checked, Checked(_BUDGET, tuple(budget_findings(bench, cost, budget))))
    return Examination(bench, subject, observed, with_tokens(subject, resources), checked, cost=cost)


def _estimate(bench: Workbench, subject: Subject, planned: Sequence[PlannedResource]) -> Estimate | None:
    """Start the estimate of the cost; None on target local, where nothing is billed, and for a plan without changes."""
    if bench.azure.local or not any(one.action.changes_something for one in planned):
        return None
    from phift.phases.costing import begin_estimate

    return begin_estimate(bench, subject, planned)


def _trains(resources: Sequence[PlannedResource]) -> bool:
    return any(r.action is Action.RUN and KINDS[r.address.kind].traits.trains for r in resources)


def _missing(bench: Workbench, observed: Mapping[Address, Observation]) -> frozenset[Address]:
    """Return the missing inputs of a job. Checked only if a job will run; unreadable inputs count as existing."""

    def gone(desired: Desired[Any]) -> bool:
        stored, live = KINDS[desired.address.kind].stored, observed[desired.address].live
        if stored is None or live is None or not desired.owned or not live.ours:
            return False
        try:
            return not stored(bench.context, live)
        except AzureError:
            return False

    return frozenset(d.address for d in bench.stack.resources if d.address in observed and gone(d))


def _data_checks(
    bench: Workbench, resources: Sequence[PlannedResource]
) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """Return the warnings and notes of the data checks, if the spec has any: what they need takes long to import."""
    data = bench.loaded.spec.data
    if data is None or data.checks is None:
        return (), ()
    from phift.workbench.rows import plan_checks

    checks = plan_checks(bench, resources)
    return checks.warnings, checks.notes
