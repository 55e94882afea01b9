"""Looking at what is there: status, logs, metrics. Nothing here can write."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.errors import NotFoundError, UsageError
from phift.kinds.deployment.logs import container_log
from phift.kinds.job import run_history
from phift.kinds.job.logs import new_lines, state_of
from phift.kinds.job.run_history import Point
from phift.kinds.registry import KINDS
from phift.kinds.shared.scoring import chat_request
from phift.phases.request import Connector, Request
from phift.phases.workbench import Workbench, open_workbench
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.states import RunState
from phift.state.traits import Nature

__all__ = ["Metrics", "Point", "Status", "StatusRow", "deployment_logs", "logs", "metrics", "status"]

_PAUSE = 1.0
TAIL = 1000
"""So many lines of a container's log are asked for."""


@dataclass(frozen=True)
class StatusRow:
    """One resource. address: kind.name. identity: its name there, with version. state: the service's word."""

    address: str
    identity: str
    state: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Status:
    """rows: a resource each. notes: for people. commands: lines that work as they are, to try next."""

    stack: str
    workspace: str
    rows: tuple[StatusRow, ...]
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class Metrics:
    """job: its name; state: the service's word; series: every metric in order of steps."""

    job: str
    state: str
    series: Mapping[str, tuple[Point, ...]]


def status(request: Request, connect: Connector) -> Status:
    """What is live of the stack now."""
    bench = _looking(request, connect)
    rows = tuple(
        row for desired in bench.stack.resources if not _leaves_nothing(desired) for row in _rows(bench, desired)
    )
    model = bench.resolved.facts.base_model
    notes = [" ".join((d.summary + ".", d.detail)) for d in bench.unidentified]
    if model and model.stand_in:
        notes.append(f"The base model {model.name} is a tiny stand-in on this target, not the published weights.")
    workspace = "embedded Azure ML" if bench.azure.local else bench.azure.workspace.label
    return Status(bench.stack.name, workspace, rows, tuple(notes), _commands(request, bench, rows))


def logs(request: Request, connect: Connector, *, follow: bool = False) -> Iterator[str]:
    """The lines of the training job's logs, step after step. follow: until the job has ended."""
    bench = _looking(request, connect)
    job = _job(bench)
    told: dict[str, int] = {}
    while True:
        state = state_of(bench.azure, job.object_id)
        yield from new_lines(bench.azure, job.name, told)
        if not follow or RunState.ended(state):
            return
        time.sleep(_PAUSE)


def deployment_logs(
    request: Request, connect: Connector, name: str = "", *, follow: bool = False, tail: int = TAIL
) -> Iterator[str]:
    """The last lines of the log of a deployment's container.

    name: as the workspace has it, or as the spec has it ("main"); by default the spec's. tail: how many lines there
    may be. follow: go on until the deployment is gone. Raises UsageError where there is no such deployment.
    """
    bench = _looking(request, connect)
    desired = next((d for d in bench.stack.resources if d.traits.serves), None)
    if desired is None:
        raise UsageError(f"stack {bench.stack.name} deploys nothing")
    wanted = desired.name if name in {"", desired.address.name, str(desired.address)} else name
    seen = KINDS[desired.address.kind].wire.read(bench.context, desired)
    there = [live for live in (seen.live, *seen.others) if live is not None]
    found = next((live for live in there if live.name.lower() == wanted.lower()), None)
    if found is None:
        raise UsageError(
            f"stack {bench.stack.name} has no deployment {wanted} in the workspace",
            remedy=f"It has: {', '.join(live.name for live in there)}." if there else "Apply it first: phift apply.",
        )
    told: list[str] = []
    while True:
        try:
            lines = container_log(bench.azure, found.object_id, tail)
        except NotFoundError:
            return  # it was removed while we followed it
        yield from _after(told, lines)
        told = lines
        if not follow:
            return
        time.sleep(_PAUSE)


def metrics(request: Request, connect: Connector) -> Metrics:
    """Every metric of the training run."""
    bench = _looking(request, connect)
    job = _job(bench)
    return Metrics(job.name, job.state, run_history.series(bench.azure, job.name))


def _looking(request: Request, connect: Connector) -> Workbench:
    return open_workbench(request, lambda loaded: connect(loaded).read_only(), looking=True)


def _leaves_nothing(desired: Desired[Any]) -> bool:
    """Whether there is nothing to look at: a run without an object."""
    return desired.traits.nature is Nature.RUN and not desired.traits.leaves_object


def _rows(bench: Workbench, desired: Desired[Any]) -> Iterator[StatusRow]:
    """The resource's own row, and of a deployment those of its siblings of this stack."""
    seen = KINDS[desired.address.kind].wire.read(bench.context, desired)
    address = str(desired.address)
    if seen.live is None:
        state = "missing" if desired.traits.leaves_object else "none"
        yield StatusRow(address, desired.name, state)
    else:
        yield _row(desired, address, seen.live)
    for other in seen.others:
        yield _row(desired, f"{desired.address.kind}.{other.name}", other)


def _row(desired: Desired[Any], address: str, live: Live) -> StatusRow:
    identity = KINDS[desired.address.kind].identity(live)
    details = {k: v for k, v in live.facts.items() if v not in (None, "", [], {})}
    if not live.ours and desired.owned:
        details["owner"] = live.owner.stack or "not made by phift"
    return StatusRow(address, identity, live.state, details)


def _commands(request: Request, bench: Workbench, rows: tuple[StatusRow, ...]) -> tuple[str, ...]:
    """How to call the endpoint, with the key fetched when the line runs."""
    uri = next((uri for r in rows if (uri := r.details.get("scoring_uri"))), None)
    if not uri:
        return ()
    spec = shlex.join([str(request.path), *request.spec_options])
    through = "phift emulator run -- " if bench.azure.local else ""
    body = json.dumps(chat_request([{"role": "user", "content": "What is the capital of France?"}], {}))
    return (
        f'phift invoke {spec} "What is the capital of France?"',
        f"{through}curl -sS {uri} -H 'Content-Type: application/json' "
        f"-H \"Authorization: Bearer $(phift invoke {spec} --key)\" -d '{body}'",
    )


def _job(bench: Workbench) -> Live:
    for desired in (d for d in bench.stack.resources if d.traits.trains):
        live: Live | None = KINDS[desired.address.kind].wire.read(bench.context, desired).live
        if live is not None:
            return live
        raise UsageError(
            f"stack {bench.stack.name} has no training run for the spec as it is now",
            remedy="Apply it first; runs of earlier versions of the spec are under their own names in the workspace.",
        )
    raise UsageError(f"stack {bench.stack.name} trains nothing")


def _after(told: list[str], lines: list[str]) -> list[str]:
    """What of `lines`, a window that moves along a log, comes after `told`, the same window some time before."""
    for start in range(len(told) + 1):
        if told[start:] == lines[: len(told) - start]:
            return lines[len(told) - start :]
    return lines
