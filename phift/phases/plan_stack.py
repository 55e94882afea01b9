"""Plan a stack: read the live objects, decide, and check before anything is billed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from phift.address import Address
from phift.lock import update_lock
from phift.phases.drafting import Draft, plan_from
from phift.phases.examine import Examination, examine, require_strict
from phift.plan.model import Plan, PlannedResource
from phift.plan.selection import selected
from phift.plan.standing import DEFAULT, Policy
from phift.preflight.demand import Demand, demands
from phift.workbench.identity import known_id
from phift.workbench.open import Workbench, open_workbench
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
    strict: bool = False,
) -> Plan:
    """Plan an apply. Writes only the lock file, if a version is not pinned yet or if its id is recovered.

    take_over: claim resources that another spec owns. select: plan only these addresses and their dependencies.
    replace_: delete and re-create these addresses. strict: reject warnings too, except waived ones.

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
        strict=strict,
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
    strict: bool = False,
) -> Draft:
    """Return the plan with its workbench, for `apply_draft`."""
    bench = open_workbench(request, connect, upgrade=upgrade, planning=True)
    stack_plan, _ = plan_with_demands(
        bench, request, Policy(retry_failed, replace_, take_over), select=select, strict=strict
    )
    if write_lock and update_lock(bench.lock_path, {bench.loaded.stack: bench.resolved.pins}, stack_plan.id):
        wrote = f"wrote {bench.lock_path}, which pins versions: commit it with the spec"
        stack_plan = replace(stack_plan, notes=(*stack_plan.notes, wrote))
    return Draft(stack_plan, bench)


def plan_of(bench: Workbench, request: Request, policy: Policy = DEFAULT, *, priced: bool = False) -> Plan:
    """Return the plan of a workbench, to compare and not to apply: neither the permissions of the caller nor the budget
    are checked. priced: whether to estimate its cost."""
    return _plan(bench, request, examine(bench, policy, writes=False, priced=priced))


def plan_with_demands(
    bench: Workbench,
    request: Request,
    policy: Policy = DEFAULT,
    *,
    select: Collection[Address] = (),
    strict: bool = False,
    permissions: bool = True,
) -> tuple[Plan, tuple[Demand, ...]]:
    """Return the plan of a workbench, and the vCPUs that its resources need in addition to those in use.

    select: plan only these addresses and their dependencies. strict: raise RefusedError for warnings too.
    permissions: whether the caller will apply the plan, so that its permissions are checked.
    """
    found = examine(bench, policy, select=select, permissions=permissions, budget=request.budget)
    stack_plan = _plan(bench, request, found, strict=strict)
    if select:
        stack_plan = replace(stack_plan, resources=selected(stack_plan.resources, select))
    return stack_plan, tuple(demands(found.subject))


def _plan(bench: Workbench, request: Request, found: Examination, *, strict: bool = False) -> Plan:
    found = found.require_accepted().completed()
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
    warnings, waived = found.warnings()
    if strict:
        require_strict(warnings)
    accepted = [one.note for one in waived]
    notes = (*accepted, *bench.stack.notes, *bench.resolved.notes, *found.notes, *stand_in, *newer)
    stack_plan = plan_from(bench, request, _estimated(found), id=known_id(bench, found.observed), notes=notes)
    return replace(stack_plan, warnings=warnings, cost=found.cost)


def _estimated(found: Examination) -> tuple[PlannedResource, ...]:
    """Return the resources; a training that will run states whether it fits the memory."""
    if not found.trains:
        return found.resources
    from phift.preflight.estimates import with_memory

    return with_memory(found.bench.stack, found.resources)
