"""Logs of a training and of a deployment, and metrics of a training. Read-only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phift.display import Displayed
from phift.errors import NotFoundError, UsageError
from phift.kinds.deployment.logs import container_log
from phift.kinds.job import run_history
from phift.kinds.job.logs import new_lines, state_of
from phift.kinds.job.run_history import Point
from phift.kinds.registry import KINDS
from phift.phases.choose_versions import named_training
from phift.phases.compare_metrics import measured
from phift.state.live import Live
from phift.state.states import RunState
from phift.workbench.open import Workbench, open_read_only
from phift.workbench.request import Connector, Request

__all__ = ["Metrics", "Point", "deployment_logs", "logs", "metrics"]

_PAUSE = 1.0
TAIL = 1000
"""Default number of log lines of a container."""


@dataclass(frozen=True)
class Metrics(Displayed):
    """The metrics of a training. job: its name. state: as the service reports it.

    series: all metrics in order of steps.
    """

    job: str
    state: str
    series: Mapping[str, tuple[Point, ...]]


def logs(request: Request, connect: Connector, *, follow: bool = False) -> Iterator[str]:
    """Yield the log lines of the training job, step by step. follow: continue until the job has ended."""
    bench = open_read_only(request, connect)
    job = _job(bench)
    shown: dict[str, int] = {}
    while True:
        state = state_of(bench.azure, job.object_id)
        yield from new_lines(bench.azure, job.name, shown)
        if not follow or RunState.ended(state):
            return
        time.sleep(_PAUSE)


def deployment_logs(
    request: Request, connect: Connector, name: str = "", *, follow: bool = False, tail: int = TAIL
) -> Iterator[str]:
    """Yield the last log lines of the container of a deployment.

    name: in the workspace or in the spec ("main"); default: that of the spec. tail: maximum number of lines.
    follow: continue until the deployment is deleted. Raises UsageError if the deployment does not exist.
    """
    bench = open_read_only(request, connect)
    desired = next((d for d in bench.stack.resources if d.traits.serves), None)
    if desired is None:
        raise UsageError(f"stack {bench.stack.name} does not define a deployment")
    wanted = desired.name if name in {"", desired.address.name, str(desired.address)} else name
    seen = KINDS[desired.address.kind].wire.read(bench.context, desired)
    deployments = [live for live in (seen.live, *seen.others) if live is not None]
    found = next((live for live in deployments if live.name.lower() == wanted.lower()), None)
    if found is None:
        raise UsageError(
            f"deployment {wanted} of stack {bench.stack.name} not found in the workspace",
            remedy=f"Deployments: {', '.join(live.name for live in deployments)}."
            if deployments
            else "Run `phift apply` first.",
        )
    shown: list[str] = []
    while True:
        try:
            lines = container_log(bench.azure, found.object_id, tail)
        except NotFoundError:
            return  # deleted while following its log
        yield from _after(shown, lines)
        shown = lines
        if not follow:
            return
        time.sleep(_PAUSE)


def metrics(request: Request, connect: Connector, training: str = "") -> Metrics:
    """Return all metrics of a training: of the current spec, or a version of the model, NAME:VERSION, or a job.

    Raises UsageError if it does not exist, and AzureError.
    """
    bench = open_read_only(request, connect)
    if training:
        one = named_training(bench, training)
        state, series = measured(bench, one)
        return Metrics(one.job, state, series)
    job = _job(bench, instead=" `phift metrics SPEC VERSION` shows that of a version of the model.")
    return Metrics(job.name, job.state, run_history.series(bench.azure, job.name))


def _job(bench: Workbench, *, instead: str = "") -> Live:
    for desired in (d for d in bench.stack.resources if d.traits.trains):
        live: Live | None = KINDS[desired.address.kind].wire.read(bench.context, desired).live
        if live is not None:
            return live
        raise UsageError(
            f"stack {bench.stack.name} does not have a training run for the current spec",
            remedy="Run `phift apply` first. Runs of earlier versions of the spec have other names in the workspace."
            + instead,
        )
    raise UsageError(f"stack {bench.stack.name} does not define a fine-tuning")


def _after(shown: list[str], lines: list[str]) -> list[str]:
    """Return the lines after `shown`. Both are windows of the same moving log; `shown` is the earlier one."""
    for start in range(len(shown) + 1):
        if shown[start:] == lines[: len(shown) - start]:
            return lines[len(shown) - start :]
    return lines
