"""Line charts as SVG, and the same numbers as a table. Pure functions of their points.

Lines differ by colour, by dashes and by the mark at their end; none of it depends on style attributes, which the
security policy of the page forbids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from phift.kinds.words import number
from phift.views.html.markup import Markup, joined, tag
from phift.views.html.ticks import log_ticks, nice_ticks, tick_texts

__all__ = ["MOST_LINES", "Chart", "Line", "drawn", "line_chart", "swatch", "table_of"]

MOST_LINES = 6
"""The number of distinguishable lines."""
_MOST_POINTS = 90
"""Points drawn for each line."""
_WIDTH, _HEIGHT = 360.0, 214.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 12.0, 12.0, 34.0
_DASHES = ("", "7 4", "2 4", "9 3 2 3", "13 4", "9 3 2 3 2 3")
_LOG_FROM = 30.0
"""Ratio of the highest to the lowest value from which a logarithmic axis is used, if it is allowed."""

Pair = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One series. points: x and y, in order of x; values that are not finite are left out. style: below MOST_LINES."""

    label: str
    points: tuple[Pair, ...]
    style: int = 0


@dataclass(frozen=True)
class Chart:
    """A chart. id: unique in the document. log: whether a logarithmic y axis may be used."""

    id: str
    title: str
    lines: tuple[Line, ...]
    x_label: str = "step"
    log: bool = False


def drawn(points: Sequence[Pair], most: int = _MOST_POINTS) -> tuple[Pair, ...]:
    """Return at most `most` finite points: the first, the last, and the lowest and highest of each stretch between."""
    finite = [one for one in points if math.isfinite(one[0]) and math.isfinite(one[1])]
    if len(finite) <= most:
        return tuple(finite)
    inner, stretches = finite[1:-1], max((most - 2) // 2, 1)
    kept = [finite[0]]
    for n in range(stretches):
        part = inner[n * len(inner) // stretches : (n + 1) * len(inner) // stretches]
        low, high = min(part, key=lambda one: one[1]), max(part, key=lambda one: one[1])
        kept += sorted({low, high})
    return (*kept, finite[-1])


def line_chart(chart: Chart) -> Markup:
    """Return the chart as an SVG image with a title and a description; empty if no line has a finite point."""
    lines = [(line, drawn(line.points)) for line in chart.lines]
    lines = [(line, points) for line, points in lines if points]
    if not lines:
        return Markup("")
    axes = _Axes.of(chart, [one for _, points in lines for one in points])
    title, about = f"{chart.id}-title", f"{chart.id}-about"
    return tag(
        "svg",
        tag("title", chart.title, id=title),
        tag("desc", described(chart), id=about),
        axes.grid(chart),
        joined(_line(line, points, axes) for line, points in reversed(lines)),
        joined(_spots(line, points, axes, chart) for line, points in lines),
        class_="chart",
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        role="img",
        aria_labelledby=f"{title} {about}",
    )


def described(chart: Chart) -> str:
    """Return a sentence for each line: where it starts and ends, and its range."""
    said = []
    for line in chart.lines:
        points = drawn(line.points)
        if not points:
            said.append(f"{line.label}: no values.")
            continue
        values = [y for _, y in points]
        said.append(
            f"{line.label}: {number(values[0])} at {chart.x_label} {number(points[0][0])}, "
            f"{number(values[-1])} at {chart.x_label} {number(points[-1][0])}; "
            f"lowest {number(min(values))}, highest {number(max(values))}."
        )
    return " ".join(said)


def table_of(chart: Chart) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of a table of the points drawn."""
    columns = [dict(drawn(line.points)) for line in chart.lines]
    steps = sorted({x for column in columns for x in column})
    head = (chart.x_label, *(line.label for line in chart.lines))
    return head, [(number(x), *(number(column[x]) if x in column else "\u2013" for column in columns)) for x in steps]


def swatch(style: int) -> Markup:
    """Return the sample of a line for a legend, with its dashes and its mark."""
    line = tag("line", x1=1, y1=6, x2=27, y2=6, class_=f"line s{style % MOST_LINES}", stroke_dasharray=_dashes(style))
    return tag(
        "svg",
        line,
        _mark(34.0, 6.0, style),
        class_="swatch",
        viewBox="0 0 40 12",
        aria_hidden="true",
        focusable="false",
    )


@dataclass(frozen=True)
class _Axes:
    x_ticks: tuple[float, ...]
    y_ticks: tuple[float, ...]
    log: bool

    @classmethod
    def of(cls, chart: Chart, points: Sequence[Pair]) -> _Axes:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        log = chart.log and min(ys) > 0 and max(ys) / min(ys) >= _LOG_FROM
        x_ticks = nice_ticks(min(xs), max(xs), 4) if min(xs) < max(xs) else nice_ticks(min(xs), min(xs) + 1, 2)
        return cls(x_ticks, log_ticks(min(ys), max(ys)) if log else nice_ticks(min(ys), max(ys)), log)

    def x(self, value: float) -> float:
        low, high = self.x_ticks[0], self.x_ticks[-1]
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self, chart: Chart) -> Markup:
        floor = _HEIGHT - _BOTTOM
        parts = []
        for value, said in zip(self.y_ticks, _labels(self.y_ticks, self.log), strict=True):
            y = self.y(value)
            parts.append(tag("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y))
            parts.append(tag("text", said, class_="tick", x=_LEFT - 6, y=y + 4, text_anchor="end"))
        for n, (value, said) in enumerate(zip(self.x_ticks, tick_texts(self.x_ticks), strict=True)):
            x = self.x(value)
            anchor = "end" if n == len(self.x_ticks) - 1 else "middle"
            parts.append(tag("line", class_="axis", x1=x, x2=x, y1=floor, y2=floor + 4))
            parts.append(tag("text", said, class_="tick", x=x, y=floor + 16, text_anchor=anchor))
        parts.append(tag("line", class_="axis", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=floor, y2=floor))
        name = chart.x_label + (" (y: log scale)" if self.log else "")
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        parts.append(tag("text", name, class_="name", x=middle, y=_HEIGHT - 3, text_anchor="middle"))
        return tag("g", *parts, aria_hidden="true")


def _labels(ticks: Sequence[float], log: bool) -> tuple[str, ...]:
    return tuple(number(tick) for tick in ticks) if log else tick_texts(ticks)


def _line(line: Line, points: Sequence[Pair], axes: _Axes) -> Markup:
    places = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in points)
    path = tag(
        "polyline", class_=f"line s{line.style % MOST_LINES}", points=places, stroke_dasharray=_dashes(line.style)
    )
    last = points[-1]
    return joined([path, _mark(axes.x(last[0]), axes.y(last[1]), line.style)])


def _spots(line: Line, points: Sequence[Pair], axes: _Axes, chart: Chart) -> Markup:
    """Return a spot for each point that shows its value while it is pointed at."""
    spots = (
        tag(
            "circle",
            tag("title", f"{line.label}, {chart.x_label} {number(x)}: {number(y)}"),
            cx=axes.x(x),
            cy=axes.y(y),
            r=5,
        )
        for x, y in points
    )
    return tag("g", *spots, class_=f"spots s{line.style % MOST_LINES}")


def _mark(x: float, y: float, style: int) -> Markup:
    """Return the mark at the end of a line: disc, square, triangle, diamond, ring or bar."""
    name = f"mark s{style % MOST_LINES}"
    match style % MOST_LINES:
        case 0:
            return tag("circle", class_=name, cx=x, cy=y, r=3.6)
        case 1:
            return tag("rect", class_=name, x=x - 3.2, y=y - 3.2, width=6.4, height=6.4)
        case 2:
            return tag("path", class_=name, d=f"M{x:.1f} {y - 4:.1f}l4 7h-8z")
        case 3:
            return tag("path", class_=name, d=f"M{x:.1f} {y - 4.4:.1f}l4.4 4.4-4.4 4.4-4.4-4.4z")
        case 4:
            return tag("circle", class_=f"{name} hollow", cx=x, cy=y, r=3.4)
        case _:
            return tag("rect", class_=name, x=x - 1.6, y=y - 4.5, width=3.2, height=9)


def _dashes(style: int) -> str | None:
    return _DASHES[style % MOST_LINES] or None
