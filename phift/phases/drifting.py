"""Drift: what somebody else changed since the last apply. The session it runs in refuses every write."""

from __future__ import annotations

from dataclasses import dataclass

from phift.compile.ownership import Ownership
from phift.phases.planning import plan_of
from phift.phases.request import Connector, Request
from phift.phases.workbench import observe, open_workbench
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource

__all__ = ["Drift", "drift"]


@dataclass(frozen=True)
class Drift:
    """outside: resources that someone else changed or removed. unapplied: those where the spec moved and no apply
    has followed yet. plan: the whole of it."""

    plan: Plan
    outside: tuple[PlannedResource, ...]
    unapplied: tuple[PlannedResource, ...]


def drift(request: Request, connect: Connector) -> Drift:
    """Compares what is live with what was last applied and with the spec. Raises what plan raises."""
    bench = open_workbench(request, lambda loaded: connect(loaded).read_only())
    plan = plan_of(bench, request)
    applied = any(
        seen.live is not None and seen.live.owner.ownership is Ownership.OURS for seen in observe(bench).values()
    )
    moved = [r for r in plan.resources if r.action.changes_something]
    outside = tuple(r for r in moved if _outside(r, plan, applied))
    return Drift(plan, outside, tuple(r for r in moved if r not in outside))


def _outside(resource: PlannedResource, plan: Plan, applied: bool) -> bool:
    if resource.action is Action.CREATE and resource.address.kind in {"compute", "endpoint"}:
        return applied  # an apply makes them first, so where anything of ours is there, they were too
    if resource.action is Action.SHIFT:
        return all(not r.action.changes_something for r in plan.resources if r.address.kind in {"deployment", "model"})
    changes = resource.visible_changes
    return bool(changes) and all(c.by == "outside" for c in changes)
