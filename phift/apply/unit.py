"""One unit of work: a planned resource carried out, from the last look at it to reading back what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phift.address import Address
from phift.apply.busy import Busy
from phift.apply.events import Listener, Note, ResourceDone, ResourceProgress, ResourceStarted
from phift.apply.options import ApplyOptions
from phift.apply.staleness import came_true, require_unmoved
from phift.apply.waits import wait_for
from phift.apply.writing import Writing
from phift.azure.session import Azure
from phift.clock import Clock
from phift.compile.desired import Desired, Stack
from phift.compile.ownership import APPLIED, applied_digest
from phift.concealing import concealed
from phift.errors import DetachedError, JobFailedError, PhiftError, StalePlanError
from phift.ledger.journal import Journal
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.resources.base import Context, Kind, Live, Nature, Observation, Progress

__all__ = ["Units"]

_GONE = 3600.0
"""Seconds a removal may take: deletes of an hour happen on the service."""


@dataclass
class Units:
    """Carries out the resources of one plan. outputs: by address, filled as they are done; shared by all threads."""

    stack: Stack
    kinds: Mapping[str, Kind]
    azure: Azure
    journal: Callable[[], Journal]
    writing: Writing
    options: ApplyOptions
    listener: Listener
    clock: Clock
    outputs: dict[Address, Mapping[str, Any]]

    def carry_out(self, planned: PlannedResource) -> ResourceDone | None:
        """Does what is planned; None when there was nothing to do. Raises PhiftError."""
        desired = self._desired(planned)
        if not planned.action.changes_something:
            return None
        start = self.clock.monotonic()
        self.listener(ResourceStarted(planned.address, planned.action, planned.identity))
        with self.writing.section():
            outputs = self._do(planned, desired, start)
        if outputs is None:
            self.listener(Note(f"{planned.address}: an earlier run of this plan has done it"))
            self.recall(planned)
            return None
        live = self._read(desired).live
        if live is not None:
            outputs = {**outputs, **self._kind(desired).outputs(self._context(desired, start), desired, live)}
        self.outputs[planned.address] = outputs
        identity = str(outputs.get("name") or planned.identity)
        if version := outputs.get("version"):
            identity = f"{identity}:{version}"
        done = ResourceDone(planned.address, planned.action, identity, self.clock.monotonic() - start, outputs)
        self.listener(done)
        return done

    def recall(self, planned: PlannedResource) -> None:
        """Fills the outputs of a resource that stays as it is, for those that depend on it."""
        desired = self._desired(planned)
        live = self._read(desired).live
        if live is not None:
            context = self._context(desired, self.clock.monotonic())
            self.outputs[planned.address] = self._kind(desired).outputs(context, desired, live)

    def _do(self, planned: PlannedResource, desired: Desired, start: float) -> Mapping[str, Any] | None:
        """What is known of it afterwards; None when an earlier run of this plan has done it already."""
        kind = self._kind(desired)
        live = self._read(desired).live
        if planned.action is Action.DELETE and live is None:
            return None
        if live is not None and came_true(planned, desired, live):
            return None
        require_unmoved(planned, live)
        match planned.action:
            case Action.ADOPT if live is not None and kind.nature is Nature.RUN:
                outputs: Mapping[str, Any] = {"name": live.name}
            case Action.ADOPT if live is not None:
                return self._settle(planned, desired, live, start)
            case Action.CREATE | Action.RUN:
                if live is not None and live.state == "Deleting":
                    self._wait_gone(desired)
                outputs = self._write("create", planned, desired, None, start)
            case Action.SHIFT if live is None:
                outputs = self._write("create", planned, desired, None, start)
            case Action.UPDATE | Action.SHIFT if live is not None:
                outputs = self._write("update", planned, desired, live, start)
            case Action.REPLACE if live is not None:
                self._write("delete", planned, desired, live, start)
                self._wait_gone(desired)
                outputs = self._write("create", planned, desired, None, start)
            case Action.DELETE if live is not None:
                self._write("delete", planned, desired, live, start)
                if kind.nature is Nature.MUTABLE:
                    self._wait_gone(desired)  # versions and runs stay, in another state
                return {}
            case _:
                raise StalePlanError(
                    f"{planned.address}: {planned.identity} is no longer there to {planned.action.value}",
                    remedy="Make a new plan.",
                    address=str(planned.address),
                )
        return self._outlast(planned, desired, outputs, start)

    def _outlast(
        self, planned: PlannedResource, desired: Desired, outputs: Mapping[str, Any], start: float
    ) -> Mapping[str, Any]:
        """Waits for it; a job that fails by the infrastructure is run again, as often as the spec allows."""
        while True:
            try:
                return self._wait(self._kind(desired), desired, outputs, start)
            except JobFailedError as error:
                attempt = int(desired.parts.get("attempt", 1))
                if not error.infrastructure or attempt > int(desired.parts.get("retries", 0)):
                    raise
                note = f"{desired.address}: attempt {attempt} failed: {error.infrastructure}; it is run once more"
                self.listener(Note(note))
                desired = replace(desired, parts={**desired.parts, "attempt": attempt + 1})
                outputs = self._write("create", planned, desired, None, start)

    def _settle(self, planned: PlannedResource, desired: Desired, live: Live, start: float) -> Mapping[str, Any]:
        """An object that another run left in the making: it is waited for, then brought to what is desired."""
        kind = self._kind(desired)
        known = {"name": live.name, **({"version": live.version} if live.version else {})}
        outputs = self._wait(kind, desired, known, start)
        settled = self._read(desired).live
        if settled is None or settled.marks.get(APPLIED) == applied_digest(desired.properties):
            return outputs
        outputs = self._write("update", planned, desired, settled, start)
        return self._wait(kind, desired, outputs, start)

    def _write(
        self, verb: str, planned: PlannedResource, desired: Desired, live: Live | None, start: float
    ) -> Mapping[str, Any]:
        """One write, with its intent recorded before and its result after."""
        self.writing.require()
        journal = self.journal()
        facts = {"applied": concealed(desired.properties), **({"digest": desired.digest} if desired.digest else {})}
        intent = journal.intent(str(planned.address), verb, desired.name, facts)
        try:
            outputs = self._call(verb, planned, desired, live, start)
        except PhiftError as error:
            journal.result(intent, "failed", {"error": error.summary})
            raise
        journal.result(intent, "done", {k: v for k, v in outputs.items() if isinstance(v, str | int | float)})
        return outputs

    def _call(
        self, verb: str, planned: PlannedResource, desired: Desired, live: Live | None, start: float
    ) -> Mapping[str, Any]:
        kind, context = self._kind(desired), self._context(desired, start)

        def call(live: Live | None) -> Mapping[str, Any] | None:
            if live is None or verb == "create":
                return kind.create(context, desired)
            if verb == "update":
                return kind.update(context, desired, live)
            kind.delete(context, desired, live)
            return None

        if kind.nature is not Nature.MUTABLE:
            return call(live) or {}
        busy = Busy(
            planned,
            desired,
            look=lambda: self._read(desired).live,
            require=self.writing.require,
            report=context.report,
            stopped=self.options.stop.wait,
            local=self.azure.local,
            clock=self.clock,
        )
        return busy.write(verb, live, call)

    def _wait(self, kind: Kind, desired: Desired, outputs: Mapping[str, Any], start: float) -> Mapping[str, Any]:
        context = self._context(desired, start)
        what = f"{desired.address} ({outputs.get('name', desired.name)})"
        if kind.nature is not Nature.RUN:
            self._poll(lambda: kind.poll(context, desired, outputs), desired, what, kind.deadline)
            return outputs
        if kind.poll(context, desired, outputs).done:
            return outputs
        if not self.options.wait:
            raise DetachedError(
                f"{what} was submitted and goes on in the service",
                remedy="Apply again to go on from where it then is.",
                address=str(desired.address),
            )
        with self.writing.watching():
            self._poll(lambda: kind.poll(context, desired, outputs), desired, what, kind.deadline)
        return outputs

    def _wait_gone(self, desired: Desired) -> None:
        def look() -> Progress:
            live = self._read(desired).live
            return Progress(live.state if live else "Deleted", done=live is None, message="waits until it is gone")

        self._poll(look, desired, f"the removal of {desired.name}", _GONE)

    def _poll(self, look: Callable[[], Progress], desired: Desired, what: str, deadline: float) -> None:
        wait_for(
            look,
            address=desired.address,
            what=what,
            deadline=self.options.timeouts.get(desired.address.kind, deadline),
            local=self.azure.local,
            clock=self.clock,
            stop=self.options.stop,
            listener=self.listener,
        )

    def _read(self, desired: Desired) -> Observation:
        return self._kind(desired).read(self._context(desired, 0.0), desired)

    def _context(self, desired: Desired, start: float) -> Context:
        def report(progress: Progress) -> None:
            self.listener(
                ResourceProgress(
                    desired.address,
                    progress.state,
                    progress.message,
                    self.clock.monotonic() - start,
                    progress.current,
                    progress.total,
                    progress.unit,
                    progress.values,
                )
            )

        return Context(
            self.azure,
            self.stack.name,
            self.stack.source,
            outputs=self.outputs,
            report=report,
        )

    def _desired(self, planned: PlannedResource) -> Desired:
        desired = self.stack.resource(planned.address)
        if desired is None and planned.action is Action.DELETE:
            return Desired(planned.address, planned.identity, parts=planned.details)
        if desired is None:
            raise StalePlanError(
                f"{planned.address} is in the plan and no longer in the spec",
                remedy="Make a new plan.",
                address=str(planned.address),
            )
        decided = {k: planned.details[k] for k in ("attempt", "traffic") if k in planned.details}
        return replace(desired, parts={**desired.parts, **decided}) if decided else desired

    def _kind(self, desired: Desired) -> Kind:
        return self.kinds[desired.address.kind]
