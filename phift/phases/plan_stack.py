"""Plan a stack: read the live objects, decide, and check before anything is billed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from phift.address import Address
from phift.lock import update_lock
from phift.phases.drafting import Draft, plan_from
from phift.phases.examine import Examination, examine
from phift.plan.model import Plan, PlannedResource
from phift.plan.selection import selected
from phift.plan.standing import DEFAULT, Policy
from phift.preflight.demand import Demand, demands
from phift.preflight.waivers import require_strict
from phift.workbench.identity import known_id
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.request import Connector, Request

__all__ = ["Draft", "PlanSettings", "draft", "plan", "plan_of", "plan_with_demands"]


@dataclass(frozen=True)
class PlanSettings:
    """The options of a plan, as the command line has them."""

    upgrade: bool = False
    """Pin newer versions."""
    write_lock: bool = True
    """Write the lock file, if a version is not pinned yet or if its id is recovered."""
    retry_failed: bool = False
    """Re-run a failed or cancelled job, whatever the cause."""
    take_over: bool = False
    """Claim resources that another spec owns."""
    select: Collection[Address] = ()
    """Plan only these addresses and their dependencies."""
    replace: Collection[Address] = ()
    """Delete and re-create these addresses."""
    strict: bool = False
    """Reject warnings too, except waived ones."""
    permissions: bool = True
    """Check the permissions of the caller, who will apply the plan."""

    @property
    def policy(self) -> Policy:
        return Policy(self.retry_failed, self.replace, self.take_over)


DEFAULTS = PlanSettings()


def plan(request: Request, connect: Connector, settings: PlanSettings = DEFAULTS) -> Plan:
    """Plan an apply. Writes only the lock file.

    Raises RefusedError with all findings of the checks if one of them is an error; nothing has been created then.
    Raises UsageError for an address that is not in the stack, or that cannot be replaced.
    """
    return draft(request, connect, settings).plan


def draft(request: Request, connect: Connector, settings: PlanSettings = DEFAULTS) -> Draft:
    """Return the plan with its workbench, for `apply_draft`. Raises the errors of `plan`."""
    bench = open_workbench(request, connect, upgrade=settings.upgrade, planning=True)
    stack_plan, _ = plan_with_demands(bench, request, settings)
    pins = {bench.loaded.stack: bench.resolved.pins}
    if settings.write_lock and update_lock(bench.lock_path, pins, stack_plan.id):
        wrote = f"wrote {bench.lock_path}, which pins versions: commit it with the spec"
        stack_plan = replace(stack_plan, notes=(*stack_plan.notes, wrote))
    return Draft(stack_plan, bench)


def plan_of(bench: Workbench, request: Request, policy: Policy = DEFAULT, *, priced: bool = False) -> Plan:
    """Return the plan of a workbench, to compare and not to apply: neither the permissions of the caller nor the budget
    are checked. priced: whether to estimate its cost."""
    return _plan(bench, request, examine(bench, policy, writes=False, priced=priced))


def plan_with_demands(bench: Workbench, request: Request, settings: PlanSettings) -> tuple[Plan, tuple[Demand, ...]]:
    """Return the plan of a workbench, and the vCPUs that its resources need in addition to those in use.

    The workbench decides on upgrades and the caller writes the lock file. Raises the errors of `plan`.
    """
    select = settings.select
    found = examine(bench, settings.policy, select=select, permissions=settings.permissions, budget=request.budget)
    stack_plan = _plan(bench, request, found, strict=settings.strict)
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
