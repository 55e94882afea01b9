"""How long a training takes: from the measured times of earlier trainings, else from a formula.

time = start of the nodes + steps before and after the training + tokens / throughput + idle time before scale-down
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from phift.plan.cost import Range
from phift.state.measured import Measured

__all__ = ["Duration", "Speed", "duration_of"]

_START = Range(120.0, 300.0, 900.0)
_BEFORE = Range(120.0, 300.0, 600.0)
_AFTER = Range(300.0, 600.0, 1200.0)
"""Seconds of the phases without an earlier job: assumed, no source publishes them."""

_ONE_JOB = 0.2
"""Spread around the only earlier job: one value has none of its own."""


class Speed(Protocol):
    """Real tokens per second of the whole job. source: for display."""

    @property
    def low(self) -> float: ...
    @property
    def middle(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def source(self) -> str: ...


@dataclass(frozen=True)
class Duration:
    """Seconds of the phases of a training. basis: the source of the numbers, for display."""

    start: Range
    before: Range
    train: Range
    after: Range
    basis: str

    @property
    def whole(self) -> Range:
        """Seconds from the submission to the end of the last step."""
        return self.start.plus(self.before).plus(self.train).plus(self.after)


def duration_of(
    earlier: Sequence[Measured], alike: Sequence[Measured], tokens: int | None, speed: Callable[[], Speed | None]
) -> Duration | None:
    """Return the estimated duration, or None if neither earlier trainings nor the formula give one.

    earlier: all trainings of this base model, newest first. alike: those on nodes of the same size and number. tokens:
    of this training, None if unknown. speed: of the formula.
    """
    train, basis = _from_jobs(alike, tokens)
    if train is None:
        found = speed() if tokens else None
        if found is None or not tokens:
            return None
        train = Range(tokens / found.high, tokens / found.middle, tokens / found.low)
        basis = f"{_count(found.middle)} tokens/s by {found.source}"
    return Duration(
        _phase([run.start for run in earlier], _START),
        _phase([run.before for run in earlier], _BEFORE),
        train,
        _phase([run.after for run in earlier], _AFTER),
        basis if earlier else f"{basis}; no earlier jobs",
    )


def _from_jobs(alike: Sequence[Measured], tokens: int | None) -> tuple[Range | None, str]:
    """Return the seconds of the training from earlier ones, and their source."""
    rates = [rate for run in alike if (rate := run.tokens_per_second)]
    if tokens and rates:
        seen = _spread(rates)
        spread = "" if len(rates) < 2 else f" ({_count(seen.low)} to {_count(seen.high)})"
        return (
            Range(tokens / seen.high, tokens / seen.middle, tokens / seen.low),
            f"{_count(seen.middle)} tokens/s{spread} in {_jobs(len(rates))}",
        )
    if alike and not tokens:
        return _spread([run.train for run in alike]), f"as long as {_jobs(len(alike))}; the tokens are unknown"
    return None, ""


def _phase(seconds: Sequence[float], assumed: Range) -> Range:
    return _spread(seconds) if seconds else assumed


def _spread(values: Sequence[float]) -> Range:
    """Return minimum, median and maximum; a fixed spread around a single value."""
    if len(values) == 1:
        return Range(values[0] * (1 - _ONE_JOB), values[0], values[0] * (1 + _ONE_JOB))
    return Range(min(values), median(values), max(values))


def _jobs(count: int) -> str:
    return f"{count} earlier job" if count == 1 else f"{count} earlier jobs"


def _count(amount: float) -> str:
    return f"{round(amount, -2):,.0f}" if amount >= 1000 else f"{amount:,.0f}"
