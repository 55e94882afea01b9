"""Apply a plan: run its resources as a graph, concurrently where dependencies allow."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from phift.address import Address
from phift.apply.events import (
    ApplyFinished,
    ApplyStarted,
    Listener,
    Note,
    ResourceDone,
    ResourceFailed,
    ResourceSkipped,
)
from phift.apply.options import ApplyOptions
from phift.apply.unit import Units
from phift.apply.writing import Writing
from phift.azure.session import Azure
from phift.clock import Clock, SystemClock
from phift.errors import AzureError, DetachedError, LeaseHeldError
from phift.graph.dag import Graph
from phift.graph.executor import NotStarted, Outcome, run
from phift.kinds.base import Kind
from phift.ledger.holder import Holder
from phift.ledger.journal import Intent, Journal, cut_off, open_intents
from phift.ledger.lease import Lease
from phift.ledger.words import ApplyOutcome, Verb, WriteOutcome
from phift.plan.action import Action, Purpose
from phift.plan.cost import Cost
from phift.plan.model import Plan, PlannedResource
from phift.state.desired import Stack
from phift.state.ownership import Claim

__all__ = ["apply_plan", "settle"]

_LEASE_PATIENCE = 90.0
"""Seconds to wait for the lease after work has started; a lease lasts 60 seconds. The first acquisition never waits."""


def apply_plan(
    plan: Plan,
    stack: Stack,
    kinds: Mapping[str, Kind[Any, Any]],
    azure: Azure,
    *,
    settle_id: Callable[[Claim], str],
    folder: Path,
    listener: Listener,
    options: ApplyOptions,
    clock: Clock | None = None,
) -> ApplyFinished:
    """Apply exactly this plan.

    stack: compiled from the same spec. settle_id: called once, before the first write, for the id to tag created
    objects with. folder: the spec's folder, to record its commit. If a resource fails, its dependents are skipped and
    all others continue. Never raises for a resource: failures are in the result, whose exit_code is that of the first
    failure in plan order.
    """
    clock = clock or SystemClock()
    start = clock.monotonic()
    listener(ApplyStarted(plan))
    if not plan.changes_something:
        settle(plan, stack.claim, azure, folder=folder, clock=clock)
    ledger = _Ledger(plan, stack.claim, settle_id, azure, folder, clock)
    writing = Writing(ledger.acquire, listener)
    units = Units(
        stack, kinds, azure, lambda: ledger.journal, lambda: ledger.claim, writing, options, listener, clock, {}
    )
    try:
        outcomes = run(
            _graph(plan),
            lambda address, failed: _work(plan.resource(address), failed, units, plan, listener, clock),
            parallelism=options.parallelism,
            stop=options.stop,
        )
    finally:
        writing.close()
    return _finish(plan, outcomes, units, ledger, listener, clock.monotonic() - start)


def settle(plan: Plan, claim: Claim, azure: Azure, *, folder: Path, clock: Clock | None = None) -> bool:
    """Close the journal entries that an interrupted apply left open, from the state that the plan read.

    For plans without changes. claim: of the stack. Returns whether anything was open. Does nothing if another apply
    holds the lease or the ledger is unavailable: only the history is affected.
    """
    ledger = _Ledger(plan, claim, lambda claim: claim.id, azure, folder, clock or SystemClock())
    try:
        if not cut_off(azure.blobs, plan.stack, claim.made) or not open_intents(azure.blobs, plan.stack, claim.made):
            return False
        lease = ledger.acquire()
        try:
            ledger.end(ApplyOutcome.SETTLED)
        finally:
            lease.release()
    except (AzureError, LeaseHeldError):
        return False
    return True


def _graph(plan: Plan) -> Graph[Address]:
    """Return the graph: a resource comes after its dependencies, or before them in a destroy."""
    graph: Graph[Address] = Graph()
    known = {r.address for r in plan.resources}
    for resource in plan.resources:
        graph.add(resource.address)
        for needed in resource.depends_on:
            if needed not in known:
                continue
            if plan.purpose == Purpose.DESTROY:
                graph.add(needed, after=[resource.address])
            else:
                graph.add(resource.address, after=[needed])
    return graph


def _work(
    planned: PlannedResource,
    failed: Outcome[Address, ResourceDone | None] | None,
    units: Units,
    plan: Plan,
    listener: Listener,
    clock: Clock,
) -> ResourceDone | None:
    if failed is not None:
        if planned.action.changes_something:
            listener(ResourceSkipped(planned.address, failed.node))
        return None
    start = clock.monotonic()
    try:
        if planned.action.changes_something:
            return units.carry_out(planned)
        waiting = [r for r in plan.resources if planned.address in r.depends_on and r.action.changes_something]
        if waiting:
            units.recall(planned, read=any(r.action is Action.RUN for r in waiting))
        return None
    except Exception as error:
        listener(ResourceFailed(planned.address, planned.action, error, clock.monotonic() - start))
        raise


def _finish(
    plan: Plan,
    outcomes: Mapping[Address, Outcome[Address, ResourceDone | None]],
    units: Units,
    ledger: _Ledger,
    listener: Listener,
    elapsed: float,
) -> ApplyFinished:
    done = [o.result.action for o in outcomes.values() if o.ok and o.result is not None]
    errors = {a: o.error for a, o in outcomes.items() if o.error is not None and not isinstance(o.error, NotStarted)}
    stopped = [
        a for a, o in outcomes.items() if isinstance(o.error, NotStarted) and plan.resource(a).action.changes_something
    ]
    code = next((int(getattr(e, "exit_code", 1)) for e in errors.values()), DetachedError.exit_code if stopped else 0)
    phases = {str(o.result.address): o.result.elapsed for o in outcomes.values() if o.ok and o.result is not None}
    try:
        ledger.end(_outcome(code), {"seconds": {name: round(seconds, 1) for name, seconds in phases.items()}})
    except AzureError as error:
        # Only history is lost; the next apply closes the open entries from what it reads.
        listener(Note(f"cannot write the end of this apply to the journal: {error.summary}"))
    finished = ApplyFinished(
        plan,
        added=sum(a.adds for a in done),
        changed=sum(a.alters for a in done),
        destroyed=sum(a.destroys for a in done),
        elapsed=elapsed,
        phases=phases,
        outputs={str(a): o for a, o in units.outputs.items()},
        failed=tuple(errors),
        exit_code=code,
    )
    listener(finished)
    return finished


class _Ledger:
    """The journal and lease of this apply, both started with the first write."""

    def __init__(
        self,
        plan: Plan,
        claim: Claim,
        settle_id: Callable[[Claim], str],
        azure: Azure,
        folder: Path,
        clock: Clock,
    ) -> None:
        self.claim = claim
        self._settle_id = settle_id
        self._plan = plan
        self._azure = azure
        self._folder = folder
        self._clock = clock
        self._id = secrets.token_hex(4)
        self._journal: Journal | None = None
        self._lock = threading.Lock()

    def acquire(self) -> Lease:
        """Acquire the stack's lease; the first acquisition does not wait."""
        wait = 0.0 if self._journal is None else _LEASE_PATIENCE
        lease = Lease.acquire(self._azure.blobs, self._plan.stack, self._holder(), wait=wait, clock=self._clock)
        try:
            self._begin()
        except BaseException:
            lease.release()
            raise
        return lease

    @property
    def journal(self) -> Journal:
        """Return the journal. Raises RuntimeError before the lease is acquired."""
        if self._journal is None:
            raise RuntimeError("the journal starts with the lease")
        return self._journal

    def end(self, outcome: ApplyOutcome, facts: Mapping[str, Any] | None = None) -> None:
        if self._journal is not None:
            self._journal.end(outcome, facts)

    def _begin(self) -> None:
        with self._lock:
            if self._journal is not None:
                return
            self.claim = replace(self.claim, id=self._settle_id(self.claim))
            journal = Journal(self._azure.blobs, self._plan.stack, self._id, self._clock)
            left_open = open_intents(self._azure.blobs, self._plan.stack, self.claim.made)
            journal.begin(self._summary(), asdict(self._holder()))
            for intent in left_open:
                journal.result(intent, self._came_of(intent), {"settled_by": self._id})
            self._journal = journal

    def _came_of(self, intent: Intent) -> WriteOutcome:
        """Return the outcome of an earlier apply's write, according to the state the plan has just read."""
        planned = next((r for r in self._plan.resources if str(r.address) == intent.address), None)
        if planned is None:
            return WriteOutcome.FOUND_DONE if intent.verb is Verb.DELETE else WriteOutcome.NOT_IN_SPEC
        there = bool(planned.fingerprint) or planned.action is Action.REUSE
        settled = not planned.action.changes_something
        match intent.verb:
            case Verb.DELETE:
                done = settled or not there
            case Verb.UPDATE:
                done = settled
            case _:
                done = there or settled
        return WriteOutcome.FOUND_DONE if done else WriteOutcome.FOUND_NOT_DONE

    def _holder(self) -> Holder:
        return Holder.here(self._clock.now(), folder=self._folder, apply_id=self._id)

    def _summary(self) -> dict[str, Any]:
        return {
            "counts": asdict(self._plan.counts),
            "purpose": self._plan.purpose.value,
            "source": self._plan.source,
            "id": self.claim.id,
            "spec_digest": self._plan.spec_digest,
            "resources": {str(r.address): r.action.value for r in self._plan.resources if r.action.changes_something},
            **({"estimate": _estimate(self._plan.cost)} if self._plan.cost else {}),
        }


def _estimate(cost: Cost) -> dict[str, Any]:
    """Return the estimates of an apply, which `phift history` shows next to what it took."""
    runs = [(line, once) for line in cost.lines if line.duration and (once := line.once) and once.high]
    return {
        "apply": asdict(cost.once),
        "hours": {str(line.address): asdict(line.duration) for line in cost.lines if line.duration},
        "usd": {str(line.address): asdict(once) for line, once in runs},
        "usd_per_hour": {str(line.address): line.nodes * (line.price.usd_per_hour or 0.0) for line, _ in runs},
    }


def _outcome(code: int) -> ApplyOutcome:
    if code == 0:
        return ApplyOutcome.DONE
    return ApplyOutcome.DETACHED if code == DetachedError.exit_code else ApplyOutcome.FAILED
