"""`phift metrics`: each series of the training run, with a sparkline."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from phift.views.base import PLAIN, Style
from phift.views.human.values import number, table

if TYPE_CHECKING:
    from phift.phases import Metrics

__all__ = ["bars_beside", "curve", "render"]

BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 20
_FEWEST_BARS = 8


def render(metrics: Metrics, *, style: Style = PLAIN) -> str:
    """Return a line per series, sorted by name: first, last, lowest and highest value, and a sparkline."""
    head = f"Job {style.bold(metrics.job)} ({metrics.state})"
    if not metrics.series:
        return f"{head}\n\nNo metrics yet."
    series = {name: [p.value for p in points] for name, points in sorted(metrics.series.items()) if points}
    rows = [("METRIC", "POINTS", "FIRST", "LAST", "MIN", "MAX")]
    for name, values in series.items():
        first, last, low, high = map(number, (values[0], values[-1], min(values), max(values)))
        rows.append((name, str(len(values)), first, last, low, high))
    bars = bars_beside(rows, 1, style)
    curves = ["COURSE", *(curve(values, bars) for values in series.values())]
    drawn = table([(*row, drawing) for row, drawing in zip(rows, curves, strict=True)])
    return "\n".join([head, "", style.dim(drawn[0]), *drawn[1:]])


def bars_beside(rows: Sequence[Sequence[str]], count: int, style: Style) -> int:
    """Return how many bars each of `count` sparklines can have next to these columns."""
    left = max(map(len, table([(*row, "|") for row in rows]))) - 1
    return max(_FEWEST_BARS, min(_MOST_BARS, (style.width - left - 2 * (count - 1)) // count))


def curve(values: Sequence[float], width: int, scale: tuple[float, float] | None = None) -> str:
    """Return a sparkline of at most `width` bars, each the mean of its values; empty for fewer than two numbers.

    Infinite values and those that are not numbers are left out.
    scale: the values of the lowest and the highest bar. Default: those of the lowest and the highest mean.
    """
    values = [one for one in values if isfinite(one)]
    if len(values) < 2:
        return ""
    columns = min(width, len(values))
    means = []
    for n in range(columns):
        share = values[n * len(values) // columns : (n + 1) * len(values) // columns]
        means.append(sum(share) / len(share))
    low, high = scale or (min(means), max(means))
    if high == low:
        return BARS[0] * columns
    return "".join(BARS[min(int((m - low) / (high - low) * len(BARS)), len(BARS) - 1)] for m in means)
