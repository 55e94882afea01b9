"""Drift: changes by others since the last apply. The session rejects all writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from phift.display import Displayed
from phift.errors import PhiftError
from phift.kinds.registry import KINDS
from phift.kinds.traffic.plan import split_changes
from phift.kinds.unwatched import Unwatched
from phift.phases.expire_stacks import unwatched_of
from phift.phases.plan_stack import plan_of
from phift.plan.action import Action, ChangedBy
from phift.plan.model import Plan, PlannedResource
from phift.plan.standing import LOST, Policy
from phift.state.states import Provisioning
from phift.workbench.inventory import load_each
from phift.workbench.last_applied import Remembered
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.request import Connector, Request

__all__ = ["Drift", "StackDrift", "drift", "drift_many"]

DIVERTED = "traffic routed to a deployment that this stack does not manage"


@dataclass(frozen=True)
class Drift(Displayed):
    """The drift of a stack. outside: resources that others changed or deleted. unapplied: resources whose changes in
    the spec are not applied yet. failed: resources in a failed state, which is in details["state"]. plan: the whole
    plan. overdue: running jobs that exceed a time limit recorded in their tags."""

    plan: Plan
    outside: tuple[PlannedResource, ...]
    unapplied: tuple[PlannedResource, ...]
    failed: tuple[PlannedResource, ...] = ()
    overdue: tuple[Unwatched, ...] = ()

    @property
    def claimable(self) -> tuple[PlannedResource, ...]:
        """The resources of `outside` that an apply changes only with --take-over."""
        return tuple(r for r in self.outside if r.reason in (LOST, DIVERTED))


@dataclass(frozen=True)
class StackDrift:
    """The drift of one of several stacks. drift: None after an error."""

    request: Request
    stack: str
    drift: Drift | None = None
    error: PhiftError | None = None

    @property
    def found(self) -> bool:
        """Whether something drifted or is overdue."""
        return self.drift is not None and bool(self.drift.outside or self.drift.overdue)


def drift_many(requests: Sequence[Request], connect: Connector) -> list[StackDrift]:
    """Return the drift of all stacks of the requests. A stack that cannot be compared does not stop the others.

    Raises InvalidSpecError for an invalid spec.
    """
    found = []
    for request, loaded in [pair for one in requests for pair in load_each(one)]:
        try:
            found.append(StackDrift(request, loaded.stack, drift(request, connect)))
        except PhiftError as error:
            found.append(StackDrift(request, loaded.stack, error=error))
    return found


def drift(request: Request, connect: Connector) -> Drift:
    """Compare the live resources with the last apply and with the spec. Raises the errors of `plan`."""
    bench = open_workbench(request, lambda loaded: connect(loaded).read_only())
    plan = plan_of(bench, request, Policy(reclaim=True))
    resources = [_with_diversion(r, bench.remembered) for r in plan.resources]
    moved = [r for r in resources if r.action.changes_something or r.reason == DIVERTED]
    failed = tuple(r for r in moved if Provisioning.failed(str(r.details.get("state"))))
    outside = tuple(r for r in moved if r not in failed and _outside(r, plan, bench))
    waiting = tuple(r for r in moved if r not in (*outside, *failed))
    return Drift(plan, outside, waiting, failed, tuple(_overdue(plan, bench)))


def _overdue(plan: Plan, bench: Workbench) -> Iterator[Unwatched]:
    """Yield the overdue runs, if the plan waits for one."""
    for resource in plan.resources:
        kind = KINDS[resource.address.kind]
        if kind.traits.trains and resource.action is Action.ADOPT:
            yield from (item for item in unwatched_of(bench, kind) if item.due)


def _with_diversion(resource: PlannedResource, remembered: Remembered) -> PlannedResource:
    """Report traffic that others received after the last shift of the stack, which plans do not change."""
    foreign = resource.details.get("foreign")
    if not foreign or resource.action.changes_something:
        return resource
    now = resource.details["now"]
    before = remembered.split
    if before == now:
        return resource
    wanted = before or dict.fromkeys(resource.desired["traffic"], 100)
    return replace(resource, reason=DIVERTED, changes=split_changes(wanted, now))


def _outside(resource: PlannedResource, plan: Plan, bench: Workbench) -> bool:
    remembered = bench.remembered
    if resource.action is Action.CREATE:
        desired = bench.stack.resource(resource.address)
        return desired is not None and remembered.has_made(desired)
    if resource.reason in (LOST, DIVERTED):
        return True
    if resource.action is Action.SHIFT:
        if any(r.action.changes_something for r in _served(plan)):
            return False
        # A deployment that failed its tests exists without traffic; that is not drift.
        given = any((str(resource.address), name) in remembered.made for name in resource.decided.split or ())
        return given or (not remembered.made and bool(resource.fingerprint))
    changes = resource.visible_changes
    return bool(changes) and all(c.by == ChangedBy.OUTSIDE for c in changes)


def _served(plan: Plan) -> Iterator[PlannedResource]:
    """Yield the deployments of a plan and their models, without the endpoint."""
    for resource in plan.resources:
        if KINDS[resource.address.kind].traits.serves:
            yield resource
            needs = (r for r in plan.resources if r.address in resource.depends_on)
            yield from (r for r in needs if not KINDS[r.address.kind].traits.hosts)
