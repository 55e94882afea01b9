"""From a spec to a plan: read what is live, decide, check before anything is spent."""

from __future__ import annotations

from dataclasses import replace

from phift.address import Address
from phift.clock import SystemClock, stamp
from phift.diagnostics import Severity, errors_of
from phift.errors import RefusedError
from phift.lock import update_lock
from phift.phases.request import Connector, Request
from phift.phases.workbench import Workbench, observe, open_workbench
from phift.plan.model import Plan, PlannedResource
from phift.plan.planner import Policy, decide
from phift.plan.removal import decide_removal
from phift.preflight import Subject, check
from phift.resources.base import Observation
from phift.resources.registry import KINDS
from phift.resources.rules import rules_of

__all__ = ["destroy_plan", "plan", "plan_of"]


def plan(
    request: Request,
    connect: Connector,
    *,
    upgrade: bool = False,
    write_lock: bool = True,
    retry_failed: bool = False,
) -> Plan:
    """What an apply would do. Writes nothing but the lock file, and that only where something was not pinned yet.

    Raises RefusedError with every finding of the checks when one of them is an error; nothing has been created then.
    """
    bench = open_workbench(request, connect, upgrade=upgrade)
    made = plan_of(bench, request, retry_failed=retry_failed)
    if write_lock:
        update_lock(bench.lock_path, bench.loaded.stack, bench.resolved.pins)
    return made


def plan_of(bench: Workbench, request: Request, *, retry_failed: bool = False) -> Plan:
    """The plan of a workbench."""
    observed = observe(bench)
    rules = {kind: rules_of(kind) for kind in KINDS}
    resources, findings = decide(bench.stack, observed, rules, Policy(retry_failed))
    subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, resources)
    found = [*bench.stack.findings, *findings, *check(subject)]
    if errors_of(found):
        raise RefusedError(found)
    warnings = (*bench.loaded.warnings, *(d for d in found if d.severity is Severity.WARNING))
    newer = [
        f"{n.what} {n.newest} exists; phift.lock pins {n.pinned} (phift lock --upgrade)" for n in bench.resolved.newer
    ]
    model = bench.resolved.facts.base_model
    stand_in = (
        [f"{model.name} is a tiny stand-in here: it shows the way, not the quality"] if model and model.stand_in else []
    )
    made = _plan(bench, request, resources, notes=(*bench.stack.notes, *stand_in, *newer))
    return replace(made, warnings=warnings)


def destroy_plan(request: Request, connect: Connector, *, archive: bool = False) -> Plan:
    """What a destroy would do: delete what costs and is ours, cancel running jobs, keep data and models.

    Raises RefusedError for what is protected.
    """
    bench = open_workbench(request, connect)
    observed = _observe_all(bench)
    resources, findings = decide_removal(bench.stack, observed, archive=archive)
    if errors_of(findings):
        raise RefusedError(list(findings))
    return replace(_plan(bench, request, resources), purpose="destroy", warnings=tuple(findings))


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
        source=bench.stack.source,
        spec_digest=bench.digest,
        created=stamp(SystemClock().now()),
        resources=resources,
        notes=notes,
        lock=bench.resolved.pins.model_dump(mode="json", exclude_none=True),
        env_names=bench.loaded.env_names,
    )
