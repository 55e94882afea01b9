"""Check the invariants of phift on a stack: apply, kill, edit, revert, destroy and re-create it, on a private bed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from phift.address import Address
from phift.diagnostics import errors_of
from phift.errors import InvalidSpecError, PhiftError, RefusedError
from phift.kinds.registry import KINDS
from phift.phases.detect_drift import drift
from phift.phases.plan_stack import plan
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.state.traits import Nature
from phift.workbench.inventory import stacks_in
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.request import Connector, Request

__all__ = ["Bed", "Checked", "Outcome", "Ran", "Verb", "check"]


class Verb(StrEnum):
    """What a process does to the stack."""

    APPLY = "apply"
    DESTROY = "destroy"


@dataclass(frozen=True)
class Ran:
    """A process that has ended. killed: whether it was killed at the wanted resource. failure: why it failed, "" for a
    success and for one that was killed."""

    killed: bool = False
    failure: str = ""


class Bed(Protocol):
    """A copy of the spec and a workspace of its own, which nobody else uses."""

    @property
    def request(self) -> Request:
        """The request for the copy."""

    @property
    def connect(self) -> Connector:
        """The connector to the workspace, whatever the target of the spec."""

    def edit(self, override: Mapping[str, Any]) -> None:
        """Write the spec with an override; without it after an empty one."""

    def run(self, verb: Verb, kill_at: Address | None = None) -> Ran:
        """Run a process of phift to its end, or kill it while it waits for a resource. Raises TimeoutError if it does
        not end in time."""


class Outcome(StrEnum):
    """The result of a check."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Checked:
    """The result of one invariant. detail: what was done, or why it was skipped. differences: what is wrong."""

    name: str
    outcome: Outcome
    detail: str
    differences: tuple[str, ...] = ()


KILL = "kill-and-resume"
EMPTY = "plan-empty-after-apply"
TRAINING = "training-edit-reverts"
SERVING = "serving-edit-reverts"
LEFTOVERS = "destroy-leaves-nothing"
RECREATE = "recreate-without-training"
NAMES = (KILL, EMPTY, TRAINING, SERVING, LEFTOVERS, RECREATE)
"""The invariants, in the order in which they are checked."""


def check(bed: Bed) -> Iterator[Checked]:
    """Yield the result of each invariant. After an apply that fails, the others are skipped.

    Raises TimeoutError if the bed has a deadline.
    """
    done = []
    scenario = _Scenario(bed)
    for found in scenario.steps():
        done.append(found.name)
        yield found
    for name in NAMES:
        if name not in done:
            yield Checked(name, Outcome.SKIPPED, "not run: an earlier step failed")


class _FailedError(Exception):
    """A process failed: the checks that follow have nothing to look at."""


@dataclass
class _Scenario:
    bed: Bed
    former: dict[str, str] = field(default_factory=dict)
    """The identity of each resource after the first apply."""
    trainings: int = 1

    def steps(self) -> Iterator[Checked]:
        for name, step in (
            (KILL, self._kill),
            (EMPTY, self._empty),
            (TRAINING, self._training),
            (SERVING, self._serving),
            (LEFTOVERS, self._leftovers),
            (RECREATE, self._recreate),
        ):
            try:
                yield step(name)
            except _FailedError as error:
                yield Checked(name, Outcome.FAILED, "a process failed", (str(error),))
                return
            except PhiftError as error:
                yield Checked(name, Outcome.FAILED, "the plan is rejected", tuple(_reasons(error)))
                return

    def _kill(self, name: str) -> Checked:
        """Apply in processes that are killed while they train and while they deploy, and then to the end."""
        killed = []
        for address in _waits(self._plan().resources):
            ran = self.bed.run(Verb.APPLY, kill_at=address)
            if ran.failure:
                raise _FailedError(ran.failure)
            killed += [str(address)] if ran.killed else []
        self._run(Verb.APPLY)
        wrong = [*self._duplicates(), *_changes(self._plan())]
        if not killed and not wrong:
            return Checked(name, Outcome.SKIPPED, "applied; no step took long enough to be killed")
        return _checked(name, f"killed (SIGKILL) during {' and '.join(killed) or 'no step'}, then applied", wrong)

    def _empty(self, name: str) -> Checked:
        again = self._plan()
        self.former = _identities(again)
        found = drift(self.bed.request, self.bed.connect)
        moved = [f"drift of {r.address}" for r in (*found.outside, *found.failed)]
        return _checked(name, f"{len(again.resources)} resources compared", [*_changes(again), *moved])

    def _training(self, name: str) -> Checked:
        trained = next((r for r in self._bench().stack.resources if r.traits.trains), None)
        if trained is None:
            return Checked(name, Outcome.SKIPPED, "the spec does not train")
        for override in KINDS[trained.address.kind].edits(trained):
            self.bed.edit(override)
            if self._plan().resource(trained.address).action is Action.RUN:
                self.trainings += 1
                wrong = [*self._edited(), *self._reverted()]
                return _checked(name, f"{_words(override)}, and back", wrong)
            self.bed.edit({})
        return Checked(name, Outcome.SKIPPED, "the spec has no parameter of the training that can be edited")

    def _serving(self, name: str) -> Checked:
        served = next((r for r in self._bench().stack.resources if r.traits.serves), None)
        override = next(iter(KINDS[served.address.kind].edits(served)), None) if served else None
        if override is None:
            return Checked(name, Outcome.SKIPPED, "the spec does not serve")
        self.bed.edit(override)
        planned = self._plan()
        wrong = [f"the edit repeats work: {line}" for line in _repeated(planned)]
        wrong += [] if planned.changes_something else ["the edit changes nothing"]
        wrong += [*self._edited(), *self._reverted()]
        return _checked(name, f"{_words(override)}, and back", wrong)

    def _edited(self) -> list[str]:
        """Apply the edit; return what the next plan would change."""
        self._run(Verb.APPLY)
        return [f"after the edit, {line}" for line in _changes(self._plan())]

    def _reverted(self) -> list[str]:
        """Revert the edit and apply; return what differs from the state before it."""
        self.bed.edit({})
        wrong = [f"the revert repeats work: {line}" for line in _repeated(self._plan())]
        self._run(Verb.APPLY)
        wrong += [f"after the revert, {line}" for line in _changes(self._plan())]
        return [*wrong, *self._differences(), *self._duplicates()]

    def _leftovers(self, name: str) -> Checked:
        self._run(Verb.DESTROY)
        bench = self._bench()
        objects = (pair for one in stacks_in(bench.azure) if one.stack == bench.stack.name for pair in one.objects)
        found = [f"{kind} {live.name} is left" for kind, live in objects]
        return _checked(name, "destroyed; objects that are billed listed", found)

    def _recreate(self, name: str) -> Checked:
        wrong = [f"the apply after a destroy repeats work: {line}" for line in _repeated(self._plan())]
        self._run(Verb.APPLY)
        wrong += [*_changes(self._plan()), *self._differences(), *self._duplicates()]
        return _checked(name, "applied after the destroy", wrong)

    def _differences(self) -> list[str]:
        now = _identities(self._plan())
        return [
            f"{address} was {self.former.get(address, 'absent')} and is {now.get(address, 'absent')}"
            for address in sorted({*self.former, *now})
            if self.former.get(address) != now.get(address)
        ]

    def _duplicates(self) -> list[str]:
        """Return the jobs and versions with more objects than there were trainings. A deployment that is left over is
        part of the plan."""
        bench = self._bench()
        trained = {r.address for r in bench.stack.resources if r.traits.trains}
        found = []
        for desired in bench.stack.resources:
            names = KINDS[desired.address.kind].objects(bench.context, desired)
            follows = desired.address in trained or trained.intersection(desired.depends_on)
            expected = self.trainings if follows else 1
            if len(names) > expected:
                found.append(f"{desired.address}: {len(names)} objects, expected {expected}: {', '.join(names)}")
        return found

    def _run(self, verb: Verb) -> None:
        if (ran := self.bed.run(verb)).failure:
            raise _FailedError(f"{verb}: {ran.failure}")

    def _plan(self) -> Plan:
        return plan(self.bed.request, self.bed.connect)

    def _bench(self) -> Workbench:
        return open_workbench(self.bed.request, self.bed.connect)


def _reasons(error: PhiftError) -> list[str]:
    """Return what is wrong, without places: they are those of the copy."""
    findings = error.diagnostics if isinstance(error, InvalidSpecError | RefusedError) else ()
    told = [". ".join(filter(None, [one.summary, one.remedy])) for one in errors_of(findings)]
    return told or [". ".join(filter(None, [error.summary, error.remedy]))]


def _checked(name: str, detail: str, wrong: Iterable[str]) -> Checked:
    differences = tuple(wrong)
    return Checked(name, Outcome.FAILED if differences else Outcome.OK, detail, differences)


def _waits(resources: Iterable[PlannedResource]) -> list[Address]:
    """Return the first resource that trains, and the first that serves."""
    written = [(r.address, KINDS[r.address.kind].traits) for r in resources if r.action.changes_something]
    trains = [address for address, traits in written if traits.trains]
    serves = [address for address, traits in written if traits.serves]
    return [*trains[:1], *serves[:1]]


def _changes(found: Plan) -> list[str]:
    return [_line(r) for r in found.resources if r.action.changes_something]


def _repeated(found: Plan) -> list[str]:
    """Return the jobs and versions that the plan creates: an edit of something else must reuse them."""
    natures = {Nature.RUN, Nature.VERSION}
    added = (r for r in found.resources if r.action.adds)
    kept = ((r, KINDS[r.address.kind].traits) for r in added)
    return [_line(r) for r, traits in kept if traits.nature in natures and traits.leaves_object]


def _line(resource: PlannedResource) -> str:
    fields = ", ".join(change.path for change in resource.visible_changes)
    why = "; ".join(filter(None, [resource.reason, fields]))
    return f"the plan would {resource.action} {resource.address}" + (f" ({why})" if why else "")


def _identities(found: Plan) -> dict[str, str]:
    return {str(r.address): r.identity for r in found.resources}


def _words(override: Mapping[str, Any]) -> str:
    """Return the override as a path and its value."""
    path, value = [], override
    while isinstance(value, Mapping):
        ((key, value),) = value.items()
        path.append(key)
    return f"{'.'.join(path)}: {value}"
