"""Everything that a report of one stack shows, read once. Read-only; a part that cannot be read says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from phift.clock import SystemClock, stamp
from phift.concealing import concealed
from phift.defaults import defaults_of
from phift.diagnostics import Diagnostic
from phift.errors import DiagnosticsError, PhiftError
from phift.kinds.job import run_history
from phift.kinds.job.run_history import Point
from phift.kinds.model.lookup import Trained, own_versions
from phift.kinds.registry import KINDS
from phift.ledger.journal import Record
from phift.ledger.journal import history as journal_history
from phift.phases.inspect_data import Preview, preview
from phift.phases.plan_stack import plan_of
from phift.phases.show_status import Status, status_of
from phift.plan.model import Plan
from phift.spec import Rendered
from phift.spec import render as rendered
from phift.state.desired import Desired
from phift.state.live import Live
from phift.workbench.open import Workbench, open_read_only
from phift.workbench.parallel import reading
from phift.workbench.request import Connector, Request

__all__ = ["Missing", "Report", "TrainingRun", "Trainings", "report"]

MOST_RUNS = 6
"""Trainings whose metrics are read: as many lines as a chart can distinguish."""
_APPLIES = 50
_ROWS = 5
_PARALLEL_READS = 6

T = TypeVar("T")


@dataclass(frozen=True)
class Missing:
    """A part that is not available. reason, remedy: for the user. findings: of the checks that rejected it."""

    reason: str
    remedy: str = ""
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class TrainingRun:
    """A training of the stack. version: of the model that it resulted in, "" if it is not registered.

    state: of the job, "" if unknown. created: ISO time of the version, or "". wanted: whether it is that of the current
    spec. served: whether a deployment serves its model. inputs: base model, data and effective parameters, "" where not
    recorded. series: its metrics by name.
    """

    version: str
    job: str
    state: str = ""
    created: str = ""
    wanted: bool = False
    served: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    series: Mapping[str, tuple[Point, ...]] | Missing = field(default_factory=dict)


@dataclass(frozen=True)
class Trainings:
    """The trainings, the newest first. left_out: number of earlier ones whose metrics were not read."""

    runs: tuple[TrainingRun, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Report:
    """The report of a stack. created: ISO time. history: the last applies, newest first. values: the final spec with
    the origin of each value. notes: what is unknown about them. rows: the first rows of each split, if asked for."""

    stack: str
    target: str
    workspace: str
    spec_path: str
    created: str
    plan: Plan | Missing
    status: Status | Missing
    trainings: Trainings | Missing
    history: tuple[Record, ...] | Missing
    values: tuple[Rendered, ...] | Missing
    notes: tuple[str, ...] = ()
    rows: tuple[Preview | Missing, ...] = ()


def report(request: Request, connect: Connector, *, show_rows: bool = False) -> Report:
    """Read the report of a stack. show_rows: include the first rows of its data.

    Raises InvalidSpecError, RefusedError, AzureError or EmulatorError if the stack itself cannot be opened; what fails
    afterwards is a Missing in the report.
    """
    bench = open_read_only(request, connect)
    found = _tried(lambda: status_of(bench, request))
    values = _tried(lambda: defaults_of(bench.loaded))
    extra = {} if isinstance(values, Missing) else values.values
    return Report(
        stack=bench.stack.name,
        target=bench.stack.target,
        workspace="Azure ML emulator" if bench.azure.local else bench.azure.workspace.label,
        spec_path=str(request.path),
        created=stamp(SystemClock().now()),
        plan=_tried(lambda: plan_of(bench, request, priced=True)),
        status=found,
        trainings=_tried(lambda: _trainings(bench, found)),
        history=_tried(lambda: journal_history(bench.azure.blobs, bench.stack.name, _APPLIES, bench.stack.claim.made)),
        values=_tried(lambda: tuple(rendered(bench.loaded, extra))),
        notes=(values.reason,) if isinstance(values, Missing) else values.notes,
        rows=_rows(bench, request, connect) if show_rows else (),
    )


def _tried(read: Callable[[], T]) -> T | Missing:
    try:
        return read()
    except DiagnosticsError as error:
        return Missing(error.summary, error.remedy, tuple(error.diagnostics))
    except PhiftError as error:
        return Missing(error.summary, error.remedy)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return Missing(f"{where}{error.strerror or error}")


def _trainings(bench: Workbench, found: Status | Missing) -> Trainings | Missing:
    runs = [d for d in bench.stack.resources if d.traits.trains]
    if not runs:
        return Missing("The spec does not define a fine-tuning.")
    current = runs[0]
    models = bench.stack.dependents(current.address)
    versions = [one for model in models for one in own_versions(bench.context, model)]
    served = _served(found)
    wanted = [_run_of(one, current, served) for one in versions[:MOST_RUNS]]
    live = KINDS[current.address.kind].wire.read(bench.context, current).live
    if live is not None and all(run.job != live.name for run in wanted):
        # Registered or not, and however old: it is the training that the current spec asks for.
        wanted = [_unregistered(live, current), *wanted][:MOST_RUNS]
    with reading(_PARALLEL_READS) as pool:
        read = tuple(pool.map(lambda run: _measured(bench, run), wanted))
    known = {run.job for run in wanted}
    return Trainings(read, sum(one.job not in known for one in versions))


def _served(found: Status | Missing) -> frozenset[str]:
    """Return the ids of the models of the deployments, in lower case."""
    rows = () if isinstance(found, Missing) else found.rows
    return frozenset(str(model).lower() for row in rows if (model := row.details.get("model")))


def _run_of(one: Trained, current: Desired[Any], served: frozenset[str]) -> TrainingRun:
    return TrainingRun(
        one.version,
        one.job,
        "Archived" if one.archived else "Completed",
        one.created,
        wanted=bool(one.digest) and one.digest == current.digest,
        served=one.object_id.lower() in served,
        inputs=concealed(one.inputs),
    )


def _unregistered(live: Live, current: Desired[Any]) -> TrainingRun:
    return TrainingRun("", live.name, live.state, wanted=True, inputs=concealed(current.inputs))


def _measured(bench: Workbench, run: TrainingRun) -> TrainingRun:
    if not run.job:
        return replace(run, series=Missing("The version does not name its job."))
    return replace(run, series=_tried(lambda: run_history.series(bench.azure, run.job)))


def _rows(bench: Workbench, request: Request, connect: Connector) -> tuple[Preview | Missing, ...]:
    data = bench.loaded.spec.data
    splits = list(data.splits) if data else []
    if not splits:
        return (Missing("The spec does not define data with rows that phift reads."),)
    return tuple(_tried(lambda split=split: preview(request, connect, split, count=_ROWS)) for split in splits)  # type: ignore[misc]
