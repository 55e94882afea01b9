"""Details of a run outside its job document: steps, metrics, logs and the reason of a failure.

Run history is read as in phift.kinds.shared.runs, metrics from the MLflow tracking server of the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from phift.azure.session import Azure
from phift.clock import moment, stamp
from phift.errors import AzureError, NotFoundError
from phift.kinds.job.exhausted import Exhausted, exhausted_in
from phift.kinds.shared.runs import FINETUNE, leaf_runs, name_of, run_details, run_document

__all__ = [
    "Failure",
    "Point",
    "Seen",
    "Step",
    "Times",
    "cancellation",
    "failure",
    "has_begun",
    "log_of",
    "progress",
    "series",
    "steps",
    "summary",
    "times",
]

_TAIL_LINES = 25
_RUNNING = frozenset({"Running", "Preparing", "Starting", "Finalizing"})
_SHOWN_WHILE_RUNNING = ("loss", "learning_rate")


@dataclass(frozen=True)
class Step:
    """A child run. state: as the service reports it. error, code: of a failed one. started: whether it has started."""

    run_id: str
    name: str
    state: str
    error: str = ""
    code: str = ""
    started: bool = False


@dataclass(frozen=True)
class Times:
    """The times of a job, None where not reached yet."""

    submitted: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """The progress of a running job. current, total: training steps or epochs, 0 if unknown."""

    step: str = ""
    current: float = 0
    total: float = 0
    unit: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """The reason of a failed job. code: of the error. log: the last lines of the log of the failed step. exhausted:
    what ran out of memory, according to the message and the whole log."""

    step: str = ""
    message: str = ""
    log: str = ""
    code: str = ""
    exhausted: Exhausted = Exhausted.NOTHING


@dataclass(frozen=True)
class Point:
    """One value of a metric. time: milliseconds since the epoch."""

    step: int
    value: float
    time: int


def steps(azure: Azure, job: str) -> list[Step]:
    """Return the leaf runs of the job, oldest first; empty before the first has started."""
    return [_step(raw) for raw in leaf_runs(azure, job)]


def _step(raw: Mapping[str, Any]) -> Step:
    error = _error(raw)
    message, code = error.get("message", "").strip(), error.get("code", "")
    return Step(str(raw["runId"]), name_of(raw), str(raw["status"]), message, code, bool(raw.get("startTimeUtc")))


def _error(document: Mapping[str, Any]) -> dict[str, str]:
    """Return code and message of the error of a run; empty if it has no error."""
    inner = (document.get("error") or {}).get("error") or {}
    return {name: str(inner[name]) for name in ("code", "message") if inner.get(name)}


def has_begun(azure: Azure, job: str) -> bool:
    """Return whether a step of the job has started: until then, it waits in the queue. Raises AzureError."""
    try:
        return any(step.started for step in steps(azure, job))
    except NotFoundError:
        return False


def times(azure: Azure, job: str) -> Times:
    """Return the times of a job; unknown ones if it does not have a run yet. Raises AzureError."""
    try:
        run = run_document(azure, job)
    except NotFoundError:
        return Times()
    return Times(*(moment(str(run.get(key) or "")) for key in ("createdUtc", "startTimeUtc", "endTimeUtc")))


def progress(azure: Azure, job: str) -> Seen:
    """Return the running step and the progress of the training; best effort, for display only."""
    try:
        found = steps(azure, job)
        current = next((s for s in reversed(found) if s.state in _RUNNING), None)
        if current is None:
            return Seen()
        if FINETUNE not in current.name:
            return Seen(step=current.name)
        metrics, parameters = _latest(azure, job, found)
    except AzureError:
        return Seen()
    values = {k: metrics[k][0] for k in _SHOWN_WHILE_RUNNING if k in metrics}
    total = _number(parameters.get("max_steps"))
    if total > 0:
        return Seen(current.name, metrics.get("loss", (0, 0))[1], total, "steps", values)
    epochs = _number(parameters.get("num_train_epochs"))
    return Seen(current.name, metrics.get("epoch", (0.0, 0))[0], epochs, "epochs", values)


def summary(azure: Azure, job: str) -> dict[str, float]:
    """Return the last value of every metric, and the first value of `eval_loss` as `eval_loss_before`."""
    try:
        found = steps(azure, job)
        metrics, _ = _latest(azure, job, found)
        result = {name: value for name, (value, _) in metrics.items()}
        first = next(iter(_history_of(azure, job, found, "eval_loss")), None)
    except AzureError:
        return {}
    if first is not None and first.step == 0:
        result["eval_loss_before"] = first.value
    return dict(sorted(result.items()))


def series(azure: Azure, job: str) -> dict[str, tuple[Point, ...]]:
    """Return the history of every metric by name, in order of steps."""
    found = steps(azure, job)
    metrics, _ = _latest(azure, job, found)
    return {name: tuple(_history_of(azure, job, found, name)) for name in sorted(metrics)}


def failure(azure: Azure, job: str) -> Failure:
    """Return the error and the end of the log of the first failed step; the error of the job if no step failed."""
    try:
        failed = next((s for s in steps(azure, job) if s.state in {"Failed", "NotResponding"}), None)
        run_id = failed.run_id if failed else job
        details = run_details(azure, run_id)
        found = _error(details)
        log = log_of(azure, details)
        tail = "\n".join(log.splitlines()[-_TAIL_LINES:])
    except AzureError as error:
        return Failure(message=f"its run history could not be read: {error.summary}")
    if failed is None:
        message = found.get("message", "").strip()
        return Failure("", message, tail, found.get("code", ""), exhausted_in(message, log))
    message, code = failed.error or found.get("message", "").strip(), failed.code or found.get("code", "")
    return Failure(failed.name, message, tail, code, exhausted_in(message, log))


def cancellation(azure: Azure, job: str) -> str:
    """Return when a job was cancelled and, if recorded, by whom and why: a clause to follow "cancelled"."""
    try:
        run = run_document(azure, job)
    except AzureError as error:
        return f"(its run history could not be read: {error.summary})"
    reason = str(run.get("cancelationReason") or "").strip()  # the spelling of the service (recorded 2026-03)
    who = str((run.get("lastModifiedBy") or {}).get("userName") or "")
    when = str(run.get("endTimeUtc") or run.get("lastModifiedUtc") or "")
    # The run does not have a field for the user who cancelled it; the cancellation is its last change.
    parts = [
        f"at {_to_the_second(when)}" if when else "",
        f"last change by {who}" if who else "the user is not recorded",
    ]
    return ", ".join(filter(None, [*parts, f"reason: {reason}" if reason else ""]))


def log_of(azure: Azure, details: Mapping[str, Any]) -> str:
    """Return the log of a run, from the signed address in its details; empty if it does not exist yet."""
    files = details.get("logFiles") or {}
    name = next((n for n in sorted(files) if n.startswith("user_logs/std_log")), None) or next(iter(sorted(files)), "")
    if not name:
        return ""
    try:
        return azure.fetch(files[name]).decode("utf-8", errors="replace")
    except NotFoundError:
        return ""


def _latest(azure: Azure, job: str, found: list[Step]) -> tuple[dict[str, tuple[float, int]], dict[str, str]]:
    """Return the last value and step by metric, and the parameters, of the job and its fine-tune step."""
    metrics: dict[str, tuple[float, int]] = {}
    parameters: dict[str, str] = {}
    for run_id in _metric_runs(job, found):
        try:
            data = _mlflow(azure, "runs/get", run_id=run_id)["run"].get("data") or {}
        except NotFoundError:
            continue
        metrics |= {m["key"]: (float(m["value"]), int(m.get("step") or 0)) for m in data.get("metrics") or ()}
        parameters |= {p["key"]: p["value"] for p in data.get("params") or ()}
    return metrics, parameters


def _history_of(azure: Azure, job: str, found: list[Step], metric: str) -> list[Point]:
    for run_id in _metric_runs(job, found):
        try:
            answer = _mlflow(azure, "metrics/get-history", run_id=run_id, metric_key=metric)
        except NotFoundError:
            continue
        points = [
            Point(int(m.get("step") or 0), float(m["value"]), int(m["timestamp"])) for m in answer.get("metrics") or ()
        ]
        if points:
            return sorted(points, key=lambda p: (p.step, p.time))
    return []


def _metric_runs(job: str, found: list[Step]) -> list[str]:
    return [job, *(s.run_id for s in found if FINETUNE in s.name)]


def _mlflow(azure: Azure, route: str, **query: str) -> dict[str, Any]:
    return azure.data_plane.get(f"mlflow/v1.0{azure.workspace.arm_id}/api/2.0/mlflow/{route}", "", **query)


def _to_the_second(time: str) -> str:
    found = moment(time)
    return stamp(found) if found else time


def _number(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0
