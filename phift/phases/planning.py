"""From a spec to a plan: read what is live, decide, check before anything is spent."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from phift.address import Address
from phift.clock import SystemClock, stamp
from phift.diagnostics import LISTED, Diagnostic, Severity, capped, errors_of
from phift.errors import RefusedError
from phift.lock import update_lock
from phift.phases.orphans import orphans
from phift.phases.remembering import with_applied
from phift.phases.renaming import former_name
from phift.phases.request import Connector, Request
from phift.phases.workbench import Workbench, observe, open_workbench
from phift.plan.model import Plan, PlannedResource
from phift.plan.planner import Policy, decide
from phift.plan.removal import decide_prune, decide_removal
from phift.plan.selection import selected
from phift.preflight import Subject, check
from phift.preflight.demand import Demand, demands
from phift.resources.base import Observation
from phift.resources.registry import KINDS
from phift.resources.rules import rules_of

__all__ = ["destroy_plan", "plan", "plan_of", "plan_with_demands"]


def plan(
    request: Request,
    connect: Connector,
    *,
    upgrade: bool = False,
    write_lock: bool = True,
    retry_failed: bool = False,
    select: Collection[Address] = (),
    replace_: Collection[Address] = (),
) -> Plan:
    """What an apply would do. Writes nothing but the lock file, and that only where something was not pinned yet.

    select: only these addresses and what they depend on. replace_: delete these and make them again.

    Raises RefusedError with every finding of the checks when one of them is an error; nothing has been created then.
    Raises UsageError for an address that the stack does not have, or that cannot be replaced.
    """
    bench = open_workbench(request, connect, upgrade=upgrade)
    made = plan_of(bench, request, retry_failed=retry_failed, replace_=replace_)
    if select:
        made = replace(made, resources=selected(made.resources, select))
    if write_lock:
        update_lock(bench.lock_path, bench.loaded.stack, bench.resolved.pins)
    return made


def plan_of(
    bench: Workbench, request: Request, *, retry_failed: bool = False, replace_: Collection[Address] = ()
) -> Plan:
    """The plan of a workbench."""
    return plan_with_demands(bench, request, retry_failed=retry_failed, replace_=replace_)[0]


def plan_with_demands(
    bench: Workbench, request: Request, *, retry_failed: bool = False, replace_: Collection[Address] = ()
) -> tuple[Plan, tuple[Demand, ...]]:
    """The plan of a workbench, and the vCPUs that its resources take beyond those they hold."""
    observed = observe(bench)
    rules = {kind: rules_of(kind) for kind in KINDS}
    resources, findings = decide(bench.stack, observed, rules, Policy(retry_failed, replace_))
    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, resources, bench.readings.usages)
    pruned, kept = _prune(bench)
    resources = (*with_applied(resources, bench.azure, bench.stack.name), *pruned)
    found = [*bench.stack.findings, *findings, *kept, *check(subject), *former_name(bench, resources)]
    if errors_of(found):
        raise RefusedError(found if len(found) <= LISTED else capped(found))
    warnings = (*bench.loaded.warnings, *(d for d in found if d.severity is Severity.WARNING))
    newer = [
        f"{n.what} {n.newest} exists; phift.lock pins {n.pinned} (phift lock --upgrade)" for n in bench.resolved.newer
    ]
    model = bench.resolved.facts.base_model
    stand_in = (
        [f"{model.name} is a tiny stand-in here: it shows the way, not the quality"] if model and model.stand_in else []
    )
    made = _plan(bench, request, resources, notes=(*bench.stack.notes, *bench.resolved.notes, *stand_in, *newer))
    return replace(made, warnings=warnings), tuple(demands(subject))


def destroy_plan(request: Request, connect: Connector, *, archive: bool = False) -> Plan:
    """What a destroy would do: delete what costs and is ours, cancel running jobs, keep data and models.

    Raises RefusedError for what is protected.
    """
    bench = open_workbench(request, connect)
    observed = _observe_all(bench)
    resources, findings = decide_removal(bench.stack, observed, archive=archive)
    pruned, kept = _prune(bench)
    findings = (*findings, *kept)
    if errors_of(findings):
        raise RefusedError(list(findings))
    made = _plan(bench, request, (*resources, *pruned))
    return replace(made, purpose="destroy", warnings=findings)


def _prune(bench: Workbench) -> tuple[tuple[PlannedResource, ...], tuple[Diagnostic, ...]]:
    """Objects of this stack that left the spec; they go once nothing is sent to them any more."""
    after = tuple(t.address for t in bench.stack.of_kind("traffic"))
    decided = [decide_prune(kind, live, after) for kind, live in orphans(bench)]
    return tuple(p for p, _ in decided), tuple(f for _, found in decided for f in found)


def _observe_all(bench: Workbench) -> dict[Address, Observation]:
    """What is live of every resource, jobs too."""
    return {r.address: KINDS[r.address.kind].read(bench.context, r) for r in bench.stack.resources}


def _plan(
    bench: Workbench, request: Request, resources: tuple[PlannedResource, ...], *, notes: tuple[str, ...] = ()
) -> Plan:
    return Plan(
        stack=bench.stack.name,
        target=bench.stack.target,
        workspace="embedded Azure ML" if bench.azure.local else bench.azure.workspace.label,
        spec_path=str(request.path),
        spec_options=request.spec_options,
        source=bench.stack.source,
        spec_digest=bench.digest,
        created=stamp(SystemClock().now()),
        resources=resources,
        notes=notes,
        lock=bench.resolved.pins.model_dump(mode="json", exclude_none=True),
        env_names=bench.loaded.env_names,
    )
