"""Apply one planned resource, from the final staleness check to reading back the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phift.address import Address
from phift.apply.busy import Busy
from phift.apply.events import Listener, Note, ResourceDone, ResourceProgress, ResourceStarted
from phift.apply.options import ApplyOptions
from phift.apply.patience import Patience, unseen
from phift.apply.staleness import came_true, require_unmoved
from phift.apply.waits import wait_for
from phift.apply.writing import Writing
from phift.azure.attendance import Seen
from phift.azure.operations import Ended, Outcome
from phift.azure.session import Azure
from phift.clock import Clock
from phift.concealing import concealed
from phift.errors import DetachedError, JobFailedError, JobTimeoutError, NotFoundError, PhiftError, StalePlanError
from phift.kinds.base import Kind
from phift.kinds.context import Context
from phift.kinds.progress import Progress, Written
from phift.ledger.journal import Journal
from phift.ledger.words import Verb, WriteOutcome
from phift.plan.action import Action
from phift.plan.decision import REMOVED_FROM_SPEC
from phift.plan.model import PlannedResource
from phift.state.desired import Desired, Stack
from phift.state.live import Live, Observation
from phift.state.overrides import raw_mark
from phift.state.ownership import APPLIED, RAW, Claim, Ownership, applied_digest
from phift.state.states import Provisioning, RunState
from phift.state.traits import Nature

__all__ = ["Units"]

_GONE = 3600.0
"""Maximum seconds of a deletion: the service may take an hour."""
_FIRST, _LONGEST = 0.2, 8.0
"""Seconds between two reads of an object that was written but is not visible yet."""


@dataclass
class Units:
    """Applies the resources of one plan. outputs: by address, added on completion; shared by all threads."""

    stack: Stack
    kinds: Mapping[str, Kind[Any, Any]]
    azure: Azure
    journal: Callable[[], Journal]
    claim: Callable[[], Claim]
    writing: Writing
    options: ApplyOptions
    listener: Listener
    clock: Clock
    outputs: dict[Address, Mapping[str, Any]]
    seen: Seen = field(default_factory=Seen)

    def carry_out(self, planned: PlannedResource) -> ResourceDone | None:
        """Apply the planned action; return None if there is nothing to do. Raises PhiftError."""
        desired = self._desired(planned)
        if not planned.action.changes_something:
            return None
        start = self.clock.monotonic()
        self.listener(ResourceStarted(planned.address, planned.action, planned.identity))
        with self.writing.section():
            outputs = self._do(planned, desired, start)
        if outputs is None:
            self.listener(Note(f"{planned.address}: already applied by an earlier run of this plan"))
            self.recall(planned)
            return None
        must = planned.action is not Action.DELETE and desired.traits.leaves_object
        live = self._found(desired) if must else self._read(desired).live
        if live is not None:
            outputs = {**outputs, **self._kind(desired).wire.outputs(self._context(desired, start), desired, live)}
        self.outputs[planned.address] = outputs
        identity = str(outputs.get("name") or planned.identity)
        if version := outputs.get("version"):
            identity = f"{identity}:{version}"
        done = ResourceDone(planned.address, planned.action, identity, self.clock.monotonic() - start, outputs)
        self.listener(done)
        return done

    def recall(self, planned: PlannedResource, *, read: bool = False) -> None:
        """Add the outputs of an unchanged resource, for its dependents.

        read: a job that is about to start reads it. Raises StalePlanError if its file no longer exists.
        """
        desired = self._desired(planned)
        must = planned.fingerprint != "" and planned.action is not Action.DELETE and desired.traits.leaves_object
        live = self._found(desired) if must else self._read(desired).live
        if live is not None:
            kind, context = self._kind(desired), self._context(desired, self.clock.monotonic())
            if read and kind.stored and live.ours and not kind.stored(context, live):
                raise StalePlanError(
                    f"the file of {desired.address} ({live.name}:{live.version}) no longer exists",
                    remedy="Create a new plan: it uploads the file again.",
                    address=str(desired.address),
                )
            self.outputs[planned.address] = kind.wire.outputs(context, desired, live)

    def _do(self, planned: PlannedResource, desired: Desired[Any], start: float) -> Mapping[str, Any] | None:
        """Return the outputs after the action; None if an earlier run of this plan has already applied it."""
        kind = self._kind(desired)
        seen = self._read(desired)
        live, desired = seen.live, kind.as_read(desired, seen)
        if planned.action is Action.DELETE and live is None:
            return None
        if live is not None and came_true(planned, desired, live):
            return None
        require_unmoved(planned, live)
        match planned.action:
            case Action.ADOPT if live is not None and kind.traits.nature is Nature.RUN:
                written = Written({"name": live.name})
            case Action.ADOPT if live is not None:
                return self._settle(planned, desired, live, start)
            case Action.CREATE | Action.RUN:
                if live is not None and live.state == Provisioning.DELETING:
                    self._wait_gone(desired, Written())
                written = self._write(Verb.CREATE, planned, desired, None, start)
            case Action.SHIFT if live is None:
                written = self._write(Verb.CREATE, planned, desired, None, start)
            case Action.UPDATE | Action.SHIFT if live is not None:
                written = self._write(Verb.UPDATE, planned, desired, live, start)
            case Action.REPLACE if live is not None:
                self._wait_gone(desired, self._write(Verb.DELETE, planned, desired, live, start))
                written = self._write(Verb.CREATE, planned, desired, None, start)
            case Action.DELETE if live is not None:
                written = self._write(Verb.DELETE, planned, desired, live, start)
                if kind.traits.nature is Nature.MUTABLE:
                    self._wait_gone(desired, written)  # versions and runs stay, in another state
                return {}
            case _:
                raise StalePlanError(
                    f"{planned.address}: cannot {planned.action.value} {planned.identity}: it no longer exists",
                    remedy="Create a new plan.",
                    address=str(planned.address),
                )
        return self._outlast(planned, desired, written, start)

    def _outlast(
        self, planned: PlannedResource, desired: Desired[Any], written: Written, start: float
    ) -> Mapping[str, Any]:
        """Wait for completion. Re-run a job that the infrastructure failed, as often as the spec allows, and cancel a
        job that exceeds a time limit of the spec."""
        kind = self._kind(desired)
        while True:
            try:
                return self._wait(kind, desired, written, start)
            except JobTimeoutError:
                if self._cancel(planned, desired, start) == RunState.COMPLETED:
                    return written.outputs
                raise
            except JobFailedError as error:
                again = kind.retry(desired, error)
                if again is None:
                    raise
                which = f"attempt {desired.parts.attempt}"
                self.listener(Note(f"{desired.address}: {which} failed: {error.infrastructure}; retrying"))
                desired = again
                written = self._write(Verb.CREATE, planned, desired, None, start)

    def _cancel(self, planned: PlannedResource, desired: Desired[Any], start: float) -> str:
        """Cancel a run that has not ended, wait for its end unless the command does not wait, and return its state."""
        live = self._found(desired)
        if RunState.ended(live.state):
            return live.state
        self._write(Verb.DELETE, planned, desired, live, start)
        if not self.options.wait:
            return live.state

        def look() -> Progress:
            state = self._found(desired).state
            return Progress(state, done=RunState.ended(state), message="waiting for the end of the cancelled job")

        with self.writing.watching():
            return self._poll(look, desired, f"{desired.address} ({live.name})", _GONE).state

    def _settle(self, planned: PlannedResource, desired: Desired[Any], live: Live, start: float) -> Mapping[str, Any]:
        """Wait for an object that another run was creating, then update it to the desired state."""
        kind = self._kind(desired)
        known = {"name": live.name, **({"version": live.version} if live.version else {})}
        outputs = self._wait(kind, desired, Written(known), start)
        settled = self._read(desired).live
        if settled is None or (
            settled.owner.ownership is Ownership.OURS
            and settled.marks.get(APPLIED) == applied_digest(desired.properties)
            and settled.marks.get(RAW, "") == raw_mark(desired.azure)
        ):
            return outputs
        return self._wait(kind, desired, self._write(Verb.UPDATE, planned, desired, settled, start), start)

    def _write(
        self, verb: Verb, planned: PlannedResource, desired: Desired[Any], live: Live | None, start: float
    ) -> Written:
        """Write once, recording the intent before and the result after."""
        self.writing.require()
        journal = self.journal()
        facts = {
            "applied": concealed(desired.properties),
            **({"digest": desired.digest} if desired.digest else {}),
            **({"split": dict(planned.decided.split)} if planned.decided.split is not None else {}),
        }
        intent = journal.intent(str(planned.address), verb, desired.name, facts)
        try:
            written = self._call(verb, planned, desired, live, start)
        except PhiftError as error:
            journal.result(intent, WriteOutcome.FAILED, {"error": error.summary})
            raise
        known = {k: v for k, v in written.outputs.items() if isinstance(v, str | int | float)}
        journal.result(intent, WriteOutcome.DONE, known)
        return written

    def _call(
        self, verb: Verb, planned: PlannedResource, desired: Desired[Any], live: Live | None, start: float
    ) -> Written:
        kind, context = self._kind(desired), self._context(desired, start)

        def call(live: Live | None) -> Written:
            if live is None or verb is Verb.CREATE:
                return kind.wire.create(context, desired)
            if verb is Verb.UPDATE:
                return kind.wire.update(context, desired, live)
            return kind.wire.delete(context, desired, live)

        if kind.traits.nature is Nature.RUN and not kind.traits.leaves_object:
            return call(live)
        # A run is named by its digest and attempt: its create finds one that is there by itself.
        blind = kind.traits.nature is Nature.RUN and verb is Verb.CREATE
        busy = Busy(
            planned,
            desired,
            look=lambda: None if blind else self._read(desired).live,
            require=self.writing.require,
            report=context.report,
            stopped=self.options.stop.wait,
            local=self.azure.local,
            clock=self.clock,
        )
        return busy.write(verb, live, call)

    def _wait(self, kind: Kind[Any, Any], desired: Desired[Any], written: Written, start: float) -> Mapping[str, Any]:
        context = self._context(desired, start)
        what = f"{desired.address} ({written.outputs.get('name', desired.name)})"
        if kind.traits.nature is not Nature.RUN:
            self._poll(lambda: kind.wire.poll(context, desired, written), desired, what, kind.deadline(desired))
            return written.outputs
        first = kind.wire.poll(context, desired, written)
        if first.done:
            return written.outputs
        if isinstance(first.error, JobTimeoutError):
            raise first.error
        if not self.options.wait:
            if unattended := kind.unattended(desired):
                self.listener(Note(f"{desired.address}: {unattended}"))
            raise DetachedError(
                f"{what} submitted; not waiting (--no-wait)",
                remedy="Re-run `phift apply` to resume.",
                address=str(desired.address),
            )
        with self.writing.watching():
            self._poll(lambda: kind.wire.poll(context, desired, written), desired, what, kind.deadline(desired))
        return written.outputs

    def _wait_gone(self, desired: Desired[Any], written: Written) -> None:
        """Wait until the object is deleted. written: the result of our delete, None if somebody else deletes it."""
        what = f"the deletion of {desired.name}"
        context = self._context(desired, 0.0, _GONE)
        going = False

        def look() -> Progress:
            nonlocal going
            live = self._kind(desired).wire.read(context, desired).live
            if live is None:
                return Progress("Deleted", done=True)
            if live.state == Provisioning.DELETING:
                going = True
            else:
                outcome = written.operation.outcome(context.azure.arm) if written.operation else Outcome()
                if outcome.ended is Ended.BADLY or (going and live.state == Provisioning.FAILED):
                    return Progress("Failed", error=outcome.failure(f"{what} failed"))
            return Progress(live.state, message="waiting for deletion")

        self._poll(look, desired, what, _GONE)

    def _found(self, desired: Desired[Any]) -> Live:
        """Return the live object of a finished or unchanged resource. Lists lag behind writes, so that this retries.

        Raises NotFoundError after the time for retries."""
        start, pause = self.clock.monotonic(), _FIRST
        while (live := self._read(desired).live) is None:
            waited = self.clock.monotonic() - start
            if waited > unseen(self.azure.local):
                raise NotFoundError(
                    f"{desired.address}: {desired.name} should exist, but was not found for {waited:.0f} s",
                    remedy="Check whether it was deleted, then re-run `phift apply`.",
                    address=str(desired.address),
                )
            if self.options.stop.wait(pause):
                raise DetachedError(
                    f"stopped waiting for {desired.name} to become visible in the service",
                    remedy="Re-run `phift apply` to resume.",
                    address=str(desired.address),
                )
            pause = min(2 * pause, _LONGEST)
        return live

    def _poll(self, look: Callable[[], Progress], desired: Desired[Any], what: str, deadline: float) -> Progress:
        return wait_for(
            look,
            address=desired.address,
            what=what,
            deadline=self.options.timeouts.get(desired.address.kind, deadline),
            local=self.azure.local,
            clock=self.clock,
            stop=self.options.stop,
            listener=self.listener,
        )

    def _read(self, desired: Desired[Any]) -> Observation:
        seen: Observation = self._kind(desired).wire.read(self._context(desired, 0.0), desired)
        return seen

    def _context(self, desired: Desired[Any], start: float, deadline: float = 0.0) -> Context:
        """start: when the resource started, 0 for now. deadline: maximum seconds from now that the service may ask to
        wait; by default that of the kind."""
        start = start or self.clock.monotonic()

        def report(progress: Progress) -> None:
            self.listener(ResourceProgress.of(desired.address, progress, self.clock.monotonic() - start))

        kind = self._kind(desired)
        limit = self.options.timeouts.get(kind.name, deadline or kind.deadline(desired))
        patience = Patience(
            desired.address,
            self.seen,
            self.clock.monotonic() + limit,
            self.azure.local,
            report,
            self.options.stop,
            self.clock,
        )
        return Context(
            self.azure.attended(patience),
            self.stack.name,
            self.claim(),
            outputs=self.outputs,
            report=report,
        )

    def _desired(self, planned: PlannedResource) -> Desired[Any]:
        desired = self.stack.resource(planned.address)
        if desired is None and (planned.action is Action.DELETE or planned.decided.keep):
            kind = self.kinds[planned.address.kind]
            return kind.decided(Desired(planned.address, planned.identity, traits=kind.traits), planned.decided)
        if desired is None:
            raise StalePlanError(
                f"{planned.address} is in the plan but no longer in the spec",
                remedy="Create a new plan.",
                address=str(planned.address),
            )
        restored = tuple(c.path for c in planned.changes if c.reason == REMOVED_FROM_SPEC)
        return replace(self._kind(desired).decided(desired, planned.decided), restored=restored)

    def _kind(self, desired: Desired[Any]) -> Kind[Any, Any]:
        return self.kinds[desired.address.kind]
