"""Generated worlds and specs: what a plan accepts, an apply must be able to do.

Each seed makes a world (quota, roles and date of an in-process emulator) and one or two versions of a spec with every
field that a spec can set without `azure:`, at and beyond the limits of the service. A world in which a plan is accepted
and the service then refuses a write is a finding.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drawn_specs import Draw
from inprocess import InProcess

from phift import phases
from phift.apply.events import Event, ResourceFailed
from phift.errors import AzureError, InvalidSpecError, JobFailedError, PhiftError, RefusedError
from phift.phases import ApplyOptions, Request
from phift.spec import load

__all__ = ["Outcome", "Tally", "run"]

WARNED = {
    "quota-exceeded": "quota that may become available during the apply",
    "quota-shared": "quota that the cluster may release before the deployment",
    "permission-data": "actions on data that may be allowed in another way",
}
"""Warnings after which the service may refuse: the plan has announced it."""


@dataclass
class Outcome:
    """What became of a world.

    invalid: codes of specs that were drawn and not valid. refused: codes of the plan. warned: codes of WARNED with
    which a plan was accepted. broken: what the service refused after a plan without such a warning.
    """

    seed: int
    applied: int = 0
    empty: int = 0
    invalid: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """Sums over worlds."""

    worlds: int = 0
    applied: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    warned: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def add(self, one: Outcome) -> None:
        self.worlds += 1
        self.applied += one.applied
        self.refused.update(set(one.refused))
        self.warned.update(set(one.warned))
        self.broken += [f"seed {one.seed}: {text}" for text in one.broken]

    def __str__(self) -> str:
        return (
            f"{self.worlds} worlds: {self.applied} applies without a refusal; plans refused for "
            f"{', '.join(f'{code} ({n})' for code, n in sorted(self.refused.items()))}; announced by a warning: "
            f"{', '.join(f'{code} ({n})' for code, n in sorted(self.warned.items())) or 'none'}"
        )


def run(seed: int) -> Outcome:
    """Make a world and its specs from a seed; plan, apply, change, and destroy. Return what became of it."""
    draw = Draw(random.Random(seed))
    outcome = Outcome(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = InProcess(folder / "home")
        try:
            _Run(home, folder, draw, outcome).all()
        finally:
            home.close()
    return outcome


_LONGEST = 300.0
"""Seconds until a job that waits for nodes is given up; others end within a few."""


@dataclass
class _Run:
    home: InProcess
    folder: Path
    draw: Draw
    outcome: Outcome

    def all(self) -> None:
        for split, rows in (("train", 3), ("test", 2)):
            lines = [json.dumps(_row(split, n)) + "\n" for n in range(rows)]
            (self.folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
        self._world()
        spec = self._valid(self.draw.spec)
        self._apply(spec)
        if self.draw.one_in(2):
            if self.draw.one_in(2):
                self._world()
            self._apply(self._valid(lambda: self.draw.edited(spec)))
        if self.draw.one_in(4):
            if self.draw.one_in(2):
                self._world()
            self._change(lambda request: phases.destroy_plan(request, self.home.connector))

    def _world(self) -> None:
        quota, date, roles = self.draw.quota(), self.draw.date(), self.draw.roles()

        def change() -> None:
            emulator = self.home.emulator
            for name, vcpus in quota.items():
                emulator.quota.set_limit(name, vcpus)
            emulator.clock.set(now=datetime.fromisoformat(date).replace(tzinfo=UTC))
            emulator.roles.assign(roles)

        self.home.inside(change)

    def _valid(self, draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Draw until the spec is valid: what `phift validate` rejects does not reach a plan."""
        while True:
            spec = draw()
            path = self.folder / "spec.yaml"
            path.write_text(json.dumps(spec), encoding="utf-8")
            try:
                load(path, environ={})
            except InvalidSpecError as error:
                self.outcome.invalid += [d.code for d in error.diagnostics]
            else:
                return spec

    def _apply(self, spec: dict[str, Any]) -> None:
        (self.folder / "spec.yaml").write_text(json.dumps(spec), encoding="utf-8")
        self._change(lambda request: phases.plan(request, self.home.connector))

    def _change(self, planning: Any) -> None:
        request = Request(self.folder / "spec.yaml")
        try:
            plan = planning(request)
        except (InvalidSpecError, RefusedError) as error:
            self.outcome.refused += [d.code for d in error.diagnostics if d.severity == "error"]
            return
        except AzureError as error:
            if error.method == "GET":  # the plan itself may not read, and says so
                self.outcome.refused.append("reads")
                return
            raise
        if not plan.changes_something:
            self.outcome.empty += 1
            return
        announced = sorted({w.code for w in plan.warnings} & set(WARNED))
        events: list[Event] = []
        mark = len(self.home.requests)
        told: list[str] = []
        try:
            phases.apply(
                plan,
                request,
                self.home.connector,
                listener=events.append,
                options=ApplyOptions(timeouts={"job": _LONGEST}),
            )
        except RefusedError as error:
            told.append(f"RefusedError: {error}")
        except PhiftError as error:
            told.append(f"{type(error).__name__}: {error}")
        told += [str(e.error) for e in events if isinstance(e, ResourceFailed) and not _of_a_test(e)]
        told += list(_refusals(self.home.requests[mark:]))
        if not told:
            self.outcome.applied += 1
        elif announced:
            self.outcome.warned += announced
        else:
            self.outcome.broken += told


def _of_a_test(failed: ResourceFailed) -> bool:
    """Whether the failure is none of the service: nothing answers the tests of a spec here, and jobs can fail."""
    return failed.address.kind == "test" or isinstance(failed.error, JobFailedError)


def _refusals(requests: Iterable[tuple[str, str, int]]) -> Iterable[str]:
    """The writes that the resource manager refused. Blobs have conditions that fail in the course of things."""
    for method, url, status in requests:
        if method not in ("GET", "HEAD") and 400 <= status < 500 and "://management.azure.com/" in url:
            yield f"{status} {method} {url.rpartition('/workspaces/')[2]}"


def _row(split: str, number: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"{split} {number}?"}, {"role": "assistant", "content": str(number)}]
    return {"prompt": f"{split} {number}?", "messages": messages, "prompt_id": f"{split}{number}"}
