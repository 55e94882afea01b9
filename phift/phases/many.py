"""Plan and apply many stacks concurrently, with shared sessions: specs of folders and globs."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from phift.apply.events import Event, Listener
from phift.apply.options import ApplyOptions
from phift.diagnostics import errors_of
from phift.errors import PhiftError, RefusedError, UsageError
from phift.kinds.registry import KINDS
from phift.lock import StackLock, lock_path, update_lock
from phift.phases.apply_plan import apply_bench
from phift.phases.leftovers import leftovers
from phift.phases.plan_stack import DEFAULTS, PlanSettings, plan_with_demands
from phift.phases.results import ManyApplied, ManyPlans, Planned, StackApplied, StackPlan, Unplanned
from phift.phases.shared_quota import summed
from phift.plan.action import Action
from phift.plan.cost import Budget, Cost
from phift.plan.model import Plan
from phift.plan.selection import selected
from phift.preflight.waivers import require_strict
from phift.spec import LoadedSpec
from phift.startup import uncollected
from phift.workbench.inventory import load_or_errors
from phift.workbench.open import Workbench, workbench_of
from phift.workbench.places import doubles
from phift.workbench.request import Connector, Request
from phift.workbench.sessions import Shared

__all__ = ["apply_many", "plan_many"]

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 16


def plan_many(
    requests: Sequence[Request],
    connect: Connector,
    settings: PlanSettings = DEFAULTS,
    *,
    parallelism: int = _AT_ONCE,
) -> ManyPlans:
    """Plan all stacks of the requests concurrently; a stack that fails does not stop the others.

    A stack that is no longer in the matrix of its file is planned for deletion. parallelism: stacks at once.

    Raises UsageError, before any workspace is contacted, if two specs define the same stack or endpoint. Raises
    RefusedError if all plans together are above the budget of the request.
    """
    with uncollected():
        asked = list(_all_stacks(requests))
        _refuse_doubles([s for _, s in asked if isinstance(s, LoadedSpec)])
        first = next(iter(requests), None)
        shared = Shared(inline=True)
        if first is not None:
            shared = Shared(inline=True, data_root=first.data_root, fetch=first.fetch, tell=first.tell)

        def opened(request: Request, spec: LoadedSpec | PhiftError) -> tuple[Request, Workbench] | Unplanned:
            if isinstance(spec, PhiftError):
                return Unplanned(request, spec)
            try:
                return request, workbench_of(spec, connect, upgrade=settings.upgrade, shared=shared)
            except PhiftError as error:
                return Unplanned(request, error, spec.stack)

        def planned_of(given: tuple[Request, Workbench] | Unplanned) -> StackPlan:
            if isinstance(given, Unplanned):
                return given
            request, bench = given
            try:
                plan, demands = plan_with_demands(bench, request, settings)
            except PhiftError as error:
                return Unplanned(request, error, bench.loaded.stack, bench)
            return Planned(request, bench.loaded.stack, plan, bench, demands)

        # Facts are shared, so compiling hardly waits and more threads would only compete.
        compiled = [opened(*given) for given in asked]
        planned = _side_by_side(planned_of, compiled, parallelism)
        if settings.write_lock:
            planned = _with_lock_files(planned, shared)
        planned += leftovers(planned, requests)
        together = tuple(summed(_one_maker_each(planned)))
        found = ManyPlans(tuple(map(_strictly, together)) if settings.strict else together)
        if first is not None and first.budget is not None and len(found.plans) > 1:
            _require_budget(found.cost, first.budget)
        return found


def _strictly(one: StackPlan) -> StackPlan:
    """Fail a stack with warnings about several stacks."""
    try:
        require_strict(one.plan.warnings if isinstance(one, Planned) else ())
    except RefusedError as error:
        return Unplanned(one.request, error, one.stack, one.bench)
    return one


def apply_many(
    planned: ManyPlans,
    *,
    listener: Callable[[str, Event], None],
    options: ApplyOptions,
    parallelism: int = _AT_ONCE,
) -> ManyApplied:
    """Apply the plans concurrently; a stack that fails does not stop the others.

    listener: called with the name of a stack and its events, from any thread. Computes shared by several stacks are
    created first.
    """
    lock = threading.Lock()

    def of_stack(stack: str) -> Listener:
        def tell(event: Event) -> None:
            with lock:
                listener(stack, event)

        return tell

    def carry_out(one: Planned, plan: Plan, checked: bool = False) -> StackApplied:
        listener = of_stack(one.stack)
        try:
            result = apply_bench(plan, one.bench, listener=listener, options=options, whole=one.plan, checked=checked)
            return StackApplied(one, result)
        except PhiftError as error:
            return StackApplied(one, error=error)

    def whole(one: StackPlan) -> StackApplied:
        if isinstance(one, Unplanned):
            return StackApplied(one, error=one.error)
        if not one.plan.changes_something:
            return StackApplied(one)
        return carry_out(one, one.plan, checked=id(one) in shared_results)

    first = [(one, plan) for one in planned.planned if (plan := _shared_computes(one, planned)) is not None]
    shared_results = dict(
        zip((id(one) for one, _ in first), _side_by_side(lambda g: carry_out(*g), first, parallelism), strict=True)
    )
    rest = [s for s in planned.stacks if id(s) not in shared_results or not shared_results[id(s)].exit_code]
    done = dict(zip((id(s) for s in rest), _side_by_side(whole, rest, parallelism), strict=True))
    return ManyApplied(tuple(_joined(shared_results.get(id(s)), done.get(id(s))) for s in planned.stacks))


def _require_budget(cost: Cost | None, budget: Budget) -> None:
    """Raise RefusedError if all plans together are above the budget of the command line."""
    from phift.cost.budget import over_budget

    found = list(over_budget(cost, replace(budget, origin=f"{budget.origin} (for all stacks together)")))
    if errors_of(found):
        raise RefusedError(found)


def _joined(shared: StackApplied | None, rest: StackApplied | None) -> StackApplied:
    if rest is None or shared is None:
        found = rest or shared
        assert found is not None
        return found
    return replace(rest, shared=shared.result)


def _all_stacks(requests: Sequence[Request]) -> Iterator[tuple[Request, LoadedSpec | PhiftError]]:
    """Yield all stacks of the requests. Raises UsageError if they exceed the limit of a run."""
    count = 0
    for request in requests:
        for given in load_or_errors(request):
            count += 1
            if count > request.max_stacks:
                raise UsageError(
                    f"the specs define more than {request.max_stacks} stacks, the limit of a run",
                    remedy="Pass fewer specs, or raise the limit: --max-stacks N.",
                )
            yield given


def _side_by_side(work: Callable[[T], R], items: Sequence[T], parallelism: int) -> list[R]:
    if len(items) < 2 or parallelism < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(parallelism, len(items))) as pool:
        return list(pool.map(work, items))


def _refuse_doubles(loaded: Sequence[LoadedSpec]) -> None:
    if found := doubles(loaded):
        what, specs = found[0]
        raise UsageError(
            f"{len(specs)} specs define {what}: {', '.join(str(s.path) for s in specs)}",
            detail="\n".join(f"define {what}: {', '.join(str(s.path) for s in specs)}" for what, specs in found[1:]),
            remedy="Give each its own name:, or pass only one of the files.",
        )


def _with_lock_files(planned: Sequence[StackPlan], shared: Shared) -> list[StackPlan]:
    """Write each lock file once. A failed write fails the stacks with pins in that file."""
    pins: dict[str, dict[str, StackLock]] = defaultdict(dict)
    ids: dict[str, str] = {}
    for one in planned:
        if one.bench is None:
            continue
        path = one.bench.lock_path
        lock = shared.lock(path)
        before = lock.stacks.get(one.stack)
        if before is None or before.merge(one.bench.resolved.pins) != before:
            pins[str(path)][one.stack] = one.bench.resolved.pins
        if isinstance(one, Planned) and one.plan.id and one.plan.id != lock.id:
            ids.setdefault(str(path), one.plan.id)
    failed: dict[str, PhiftError] = {}
    for one in planned:
        path = lock_path(one.request.path)
        mine, id = pins.pop(str(path), {}), ids.pop(str(path), "")
        if mine or id:
            try:
                update_lock(path, mine, id)
            except PhiftError as error:
                failed[str(path)] = error
    return [
        Unplanned(one.request, unlocked, one.stack, one.bench)
        if isinstance(one, Planned) and (unlocked := failed.get(str(lock_path(one.request.path))))
        else one
        for one in planned
    ]


def _one_maker_each(planned: Sequence[StackPlan]) -> Iterator[StackPlan]:
    """Let the first stack create a compute that several stacks define; the others use it as-is."""
    makers: dict[tuple[object, str], str] = {}
    for one in planned:
        if isinstance(one, Unplanned):
            yield one
            continue
        resources, cost = [], one.plan.cost
        for resource in one.plan.resources:
            if KINDS[resource.address.kind].traits.shared and resource.action is Action.CREATE:
                key = (one.place, resource.identity.lower())
                maker = makers.setdefault(key, one.stack)
                if maker != one.stack:
                    note = f"stack {maker} creates {resource.identity}; used as-is"
                    resource = replace(resource, action=Action.NO_OP, reason="", notes=(*resource.notes, note))
                    cost = cost and cost.without(resource.address)
            resources.append(resource)
        yield replace(one, plan=replace(one.plan, resources=tuple(resources), cost=cost))


def _shared_computes(one: Planned, planned: ManyPlans) -> Plan | None:
    """Return the part of a plan that creates computes for other stacks of the run, or None."""
    wanted = {
        r.identity.lower()
        for other in planned.planned
        if other is not one and other.place == one.place
        for r in other.plan.resources
        if KINDS[r.address.kind].traits.shared
    }
    mine = {
        r.address
        for r in one.plan.resources
        if KINDS[r.address.kind].traits.shared and r.action is Action.CREATE and r.identity.lower() in wanted
    }
    return replace(one.plan, resources=selected(one.plan.resources, mine)) if mine else None
