"""Plan a stack: read the live objects, decide, and check before anything is billed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from phift.address import Address
from phift.diagnostics import LISTED, Diagnostic, Severity, capped, errors_of
from phift.errors import AzureError, RefusedError
from phift.kinds.registry import KINDS
from phift.lock import update_lock
from phift.phases.drafting import Draft, plan_from, prune, refused
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.plan.planner import decide
from phift.plan.selection import selected
from phift.plan.standing import DEFAULT, Policy
from phift.preflight import Subject, check
from phift.preflight.demand import Demand, demands
from phift.state.desired import Desired
from phift.state.live import Observation
from phift.workbench.identity import known_id
from phift.workbench.open import Workbench, observe, open_workbench
from phift.workbench.orphans import strangers
from phift.workbench.rename_check import former_name
from phift.workbench.request import Connector, Request

__all__ = ["Draft", "draft", "plan", "plan_of", "plan_with_demands"]


def plan(
    request: Request,
    connect: Connector,
    *,
    upgrade: bool = False,
    write_lock: bool = True,
    retry_failed: bool = False,
    take_over: bool = False,
    select: Collection[Address] = (),
    replace_: Collection[Address] = (),
) -> Plan:
    """Plan an apply. Writes only the lock file, if a version is not pinned yet or if its id is recovered.

    take_over: claim resources that another spec owns. select: plan only these addresses and their dependencies.
    replace_: delete and re-create these addresses.

    Raises RefusedError with all findings of the checks if one of them is an error; nothing has been created then.
    Raises UsageError for an address that is not in the stack, or that cannot be replaced.
    """
    return draft(
        request,
        connect,
        upgrade=upgrade,
        write_lock=write_lock,
        retry_failed=retry_failed,
        take_over=take_over,
        select=select,
        replace_=replace_,
    ).plan


def draft(
    request: Request,
    connect: Connector,
    *,
    upgrade: bool = False,
    write_lock: bool = True,
    retry_failed: bool = False,
    take_over: bool = False,
    select: Collection[Address] = (),
    replace_: Collection[Address] = (),
) -> Draft:
    """Return the plan with its workbench, for `apply_draft`."""
    bench = open_workbench(request, connect, upgrade=upgrade, planning=True)
    stack_plan = plan_of(bench, request, Policy(retry_failed, replace_, take_over))
    if select:
        stack_plan = replace(stack_plan, resources=selected(stack_plan.resources, select))
    if write_lock:
        update_lock(bench.lock_path, {bench.loaded.stack: bench.resolved.pins}, stack_plan.id)
    return Draft(stack_plan, bench)


def plan_of(bench: Workbench, request: Request, policy: Policy = DEFAULT) -> Plan:
    """Return the plan of a workbench."""
    return plan_with_demands(bench, request, policy)[0]


def plan_with_demands(bench: Workbench, request: Request, policy: Policy = DEFAULT) -> tuple[Plan, tuple[Demand, ...]]:
    """Return the plan of a workbench, and the vCPUs that its resources need in addition to those in use."""
    observed = observe(bench)
    # Drift and --take-over check all objects; otherwise the ledger is read only for generated names.
    everything = policy.reclaim or policy.take_over
    lost = bench.remembered.lost(bench.stack, observed, generated=not everything)
    policy = replace(policy, lost=lost)
    resources, findings = decide(bench.stack, observed, KINDS, policy)
    if any(r.action is Action.RUN and KINDS[r.address.kind].traits.trains for r in resources):
        policy = replace(policy, missing=_missing(bench, observed))
        resources, findings = decide(bench.stack, observed, KINDS, policy)
    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, resources, bench.remote)
    pruned, kept = prune(bench)
    resources = (*bench.remembered.beside(resources, bench.stack), *pruned)
    found = [*bench.stack.findings, *findings, *kept, *check(subject), *former_name(bench, resources)]
    if errors_of(found):
        raise RefusedError(found if len(found) <= LISTED else capped(found))
    found += [replace(d, severity=Severity.WARNING) for d in refused(bench, strangers(bench))]
    warnings = (*bench.loaded.warnings, *(d for d in found if d.severity is Severity.WARNING))
    newer = [
        f"{n.what} {n.newest} is available; phift.lock pins {n.pinned} (to update: phift lock --upgrade)"
        for n in bench.resolved.newer
    ]
    model = bench.resolved.facts.base_model
    stand_in = (
        [f"{model.name} is a tiny stand-in for the real weights: it exercises the workflow, not model quality"]
        if model and model.stand_in
        else []
    )
    checks = _data_checks(bench, resources)
    warnings = (*warnings, *checks[0])
    notes = (*bench.stack.notes, *bench.resolved.notes, *checks[1], *stand_in, *newer)
    stack_plan = plan_from(bench, request, resources, id=known_id(bench, observed), notes=notes)
    return replace(stack_plan, warnings=warnings), tuple(demands(subject))


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
