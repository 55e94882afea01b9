"""Apply a plan. The spec is compiled again and must still match the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from phift.address import Address
from phift.apply.events import ApplyFinished, Listener
from phift.apply.options import ApplyOptions
from phift.apply.runner import apply_plan
from phift.apply.staleness import require_fresh
from phift.diagnostics import errors_of
from phift.errors import RefusedError, StalePlanError
from phift.kinds.registry import KINDS, require_known
from phift.kinds.subject import Subject
from phift.lock import StackLock
from phift.phases.drafting import Draft
from phift.plan.action import Action, Purpose
from phift.plan.cost import Budget
from phift.plan.model import Plan
from phift.state.live import Observation
from phift.workbench.identity import settled
from phift.workbench.open import Workbench, observe, open_workbench
from phift.workbench.request import Connector, Request
from phift.workbench.rows import require_rows

__all__ = ["apply", "apply_bench", "apply_draft"]


def apply(
    plan: Plan,
    request: Request,
    connect: Connector,
    *,
    listener: Listener,
    options: ApplyOptions,
    saved: bool = False,
) -> ApplyFinished:
    """Apply exactly this plan. saved: whether it comes from a file; everything that it is based on is then read again.

    Raises StalePlanError if the spec, its data, the lock file or the target no longer match the plan; RefusedError if a
    secret of a deployment is not set on this machine, or if rows of data are unfit or rejected by a check;
    LeaseHeldError or AzureError if the whole apply fails. Failures of single resources are in the result.
    """
    require_known(plan)
    bench = open_workbench(request, connect, looking=plan.purpose != Purpose.APPLY)
    return apply_bench(plan, bench, listener=listener, options=options, saved=saved, budget=request.budget)


def apply_draft(draft: Draft, *, listener: Listener, options: ApplyOptions) -> ApplyFinished:
    """Apply a fresh plan on its workbench. Raises the errors of `apply`."""
    return apply_bench(draft.plan, draft.bench, listener=listener, options=options)


def apply_bench(
    plan: Plan,
    bench: Workbench,
    *,
    listener: Listener,
    options: ApplyOptions,
    saved: bool = False,
    whole: Plan | None = None,
    checked: bool = False,
    budget: Budget | None = None,
) -> ApplyFinished:
    """Apply a plan on a workbench. Raises the errors of `apply`.

    whole: the plan that contains `plan`. checked: whether the rows of data are already prepared and have passed the
    checks of the spec; otherwise this is done first. budget: of the command line, to check a saved plan against, at
    current prices.
    """
    if (bench.stack.name, bench.digest) != (plan.stack, plan.spec_digest):
        raise StalePlanError(
            f"the plan of stack {plan.stack} is stale: {_what_changed(plan, bench.resolved.pins)} changed since",
            remedy=f"Create a new plan and review it: phift plan {plan.spec_words}",
        )
    _require_ready(plan, bench)
    if saved:
        observed = observe(bench)
        require_fresh(plan, bench.stack, observed)
        _require_budget(plan, bench, observed, budget)
    if not checked:
        require_rows(bench, (whole or plan).resources, listener, strict=options.strict)
    claim = replace(bench.stack.claim, id=plan.id or bench.stack.claim.id)
    return apply_plan(
        plan,
        replace(bench.stack, claim=claim),
        KINDS,
        bench.azure,
        settle_id=lambda claim: settled(claim, bench.lock_path, bench.azure),
        folder=bench.loaded.path.resolve().parent,
        listener=listener,
        options=options,
    )


def _require_ready(plan: Plan, bench: Workbench) -> None:
    """Check requirements such as secrets before the first write, so that a deployment does not fail after a paid
    training. Plans do not require them."""
    writes = {Action.CREATE, Action.UPDATE, Action.REPLACE, Action.ADOPT}
    written = {r.address for r in plan.resources if r.action in writes}
    for desired in bench.stack.resources:
        if desired.address in written:
            KINDS[desired.address.kind].require_ready(desired)


def _require_budget(
    plan: Plan, bench: Workbench, observed: Mapping[Address, Observation], budget: Budget | None
) -> None:
    """Raise RefusedError if the plan is above a budget. Its cost is estimated again: the file may be edited or old."""
    limited = budget is not None or bench.loaded.spec.budget is not None
    if not limited or bench.azure.local or plan.purpose != Purpose.APPLY:
        return
    from phift.phases.costing import begin_estimate, budget_findings

    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, plan.resources, bench.remote)
    estimate = begin_estimate(bench, subject, plan.resources)
    found = budget_findings(bench, estimate.finish() if estimate else None, budget)
    if errors_of(found):
        raise RefusedError(found)


def _what_changed(plan: Plan, pins: StackLock) -> str:
    now = pins.plain()
    return "the lock file" if dict(plan.lock) != now else "the spec or its data"
