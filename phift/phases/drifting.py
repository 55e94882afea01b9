"""Drift: what somebody else changed since the last apply. The session it runs in refuses every write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from phift.errors import AzureError
from phift.ledger.journal import Intent, history
from phift.phases.planning import plan_of
from phift.phases.request import Connector, Request
from phift.phases.workbench import Workbench, open_workbench
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource

__all__ = ["Drift", "drift"]

TRAFFIC = "traffic.main"
FAILED = ("Failed", "Canceled")
"""Provisioning states in which an object is of no use and is made anew."""


@dataclass(frozen=True)
class Drift:
    """outside: resources that someone else changed or removed. unapplied: those where the spec moved and no apply
    has followed yet. failed: those that the service could not bring about, or that broke since; their state is in
    details["state"]. plan: the whole of it."""

    plan: Plan
    outside: tuple[PlannedResource, ...]
    unapplied: tuple[PlannedResource, ...]
    failed: tuple[PlannedResource, ...] = ()


def drift(request: Request, connect: Connector) -> Drift:
    """Compares what is live with what was last applied and with the spec. Raises what plan raises."""
    bench = open_workbench(request, lambda loaded: connect(loaded).read_only())
    plan = plan_of(bench, request)
    made = _made(bench)
    moved = [r for r in plan.resources if r.action.changes_something]
    failed = tuple(r for r in moved if r.details.get("state") in FAILED)
    outside = tuple(r for r in moved if r not in failed and _outside(r, plan, made))
    return Drift(plan, outside, tuple(r for r in moved if r not in (*outside, *failed)), failed)


def _made(bench: Workbench) -> set[tuple[str, str]]:
    """Address and name of everything that past applies made and did not delete; empty where no ledger can be read.

    Of traffic.main: the deployments that the last shift was to.
    """
    try:
        records = history(bench.azure.blobs, bench.stack.name)
    except AzureError:
        return set()
    there: set[tuple[str, str]] = set()
    results = (r for record in reversed(records) for r in record.results)
    for intent in (r.intent for r in results if r.outcome in {"done", "found done"}):
        key = (intent.address, intent.identity)
        if intent.address == TRAFFIC:
            there = {k for k in there if k[0] != TRAFFIC} | {(TRAFFIC, name) for name in _shares(intent)}
        elif intent.verb == "delete":
            there -= {key, (TRAFFIC, intent.identity)}
        else:
            there.add(key)
    return there


def _shares(intent: Intent) -> Iterable[str]:
    applied = intent.facts.get("applied")
    return applied.get("traffic") or {} if isinstance(applied, Mapping) else {}


def _outside(resource: PlannedResource, plan: Plan, made: set[tuple[str, str]]) -> bool:
    if resource.action is Action.CREATE:
        return (str(resource.address), resource.identity) in made
    if resource.action is Action.SHIFT:
        if any(r.action.changes_something for r in plan.resources if r.address.kind in {"deployment", "model"}):
            return False
        # A deployment that failed its tests stands there without traffic, and nobody took it away.
        given = any((TRAFFIC, name) in made for name in resource.details["traffic"])
        return given or (not made and bool(resource.fingerprint))
    changes = resource.visible_changes
    return bool(changes) and all(c.by == "outside" for c in changes)
