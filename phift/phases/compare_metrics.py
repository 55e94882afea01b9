"""Compare the metrics of two trainings. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from phift.display import Displayed
from phift.errors import AzureError, NotFoundError, UsageError
from phift.kinds.job import run_history
from phift.kinds.job.logs import state_of
from phift.kinds.job.run_history import Point
from phift.kinds.model.lookup import Trained
from phift.phases.choose_versions import two_versions
from phift.workbench.open import Workbench, open_read_only
from phift.workbench.request import Connector, Request

__all__ = [
    "Course",
    "MetricRow",
    "MetricsComparison",
    "compared_metrics",
    "course_of",
    "measured",
    "metrics_comparison",
]

_LOWER = ("loss", "perplexity", "error", "wer", "cer", "mse", "mae", "rmse")
_HIGHER = (
    "accuracy",
    "f1",
    "precision",
    "recall",
    "bleu",
    "rouge",
    "meteor",
    "exact",
    "match",
    "auc",
    "rougel",
    "rouge1",
    "rouge2",
)


@dataclass(frozen=True)
class Course:
    """The course of a metric in one training. best: the best value, if lower or higher is better; else None."""

    points: tuple[Point, ...] = field(repr=False)
    best: Point | None = None

    @property
    def last(self) -> Point:
        return self.points[-1]


@dataclass(frozen=True)
class MetricRow:
    """A metric of two trainings. before, after: None if that training does not have it."""

    name: str
    before: Course | None
    after: Course | None

    @property
    def difference(self) -> float | None:
        """The last value after minus the last value before."""
        return self.after.last.value - self.before.last.value if self.before and self.after else None


@dataclass(frozen=True)
class MetricsComparison(Displayed):
    """The metrics of two trainings. states: of the jobs, as the service reports them. rows: by name."""

    stack: str
    before: Trained
    after: Trained
    states: tuple[str, str]
    rows: tuple[MetricRow, ...]


def metrics_comparison(request: Request, connect: Connector, before: str = "", after: str = "") -> MetricsComparison:
    """Compare two trainings: versions of the stack's model or job names; default: the last two.

    The training of the current spec counts as the last one, also while it runs. Raises UsageError if one does not
    exist, or its training is not known, and AzureError.
    """
    bench = open_read_only(request, connect)
    old, new = two_versions(bench, before, after, running=True)
    return compared_metrics(bench, old, new)


def compared_metrics(bench: Workbench, before: Trained, after: Trained) -> MetricsComparison:
    """Compare the metrics of two trainings. Raises UsageError if one is not known."""
    (state, first), (other, second) = (measured(bench, one) for one in (before, after))
    names = sorted({*first, *second})
    rows = (MetricRow(name, *(course_of(name, side.get(name, ())) for side in (first, second))) for name in names)
    return MetricsComparison(
        bench.stack.name, before, after, (state, other), tuple(row for row in rows if row.before or row.after)
    )


def measured(bench: Workbench, one: Trained) -> tuple[str, Mapping[str, tuple[Point, ...]]]:
    """Return the state of the job of a training, and its metrics. Raises UsageError if it is not known, AzureError."""
    if not one.job:
        raise UsageError(f"{one.label} does not result from a training job that phift knows")
    try:
        state = state_of(bench.azure, f"{bench.azure.workspace.arm_id}/jobs/{one.job}")
        return state, run_history.series(bench.azure, one.job)
    except NotFoundError:
        raise UsageError(f"job {one.job} of {one.label} not found in the workspace") from None
    except AzureError as error:
        error.address = error.address or one.label
        raise


def course_of(name: str, points: Sequence[Point]) -> Course | None:
    """Return the course of a metric; None without points. Whether lower is better follows from the name."""
    if not points:
        return None
    words = name.lower().split("_")
    numbers = [point for point in points if isfinite(point.value)]
    best = None
    if numbers and any(word in words for word in _LOWER):
        best = min(numbers, key=lambda point: point.value)
    elif numbers and any(word in words for word in _HIGHER):
        best = max(numbers, key=lambda point: point.value)
    return Course(tuple(points), best)
