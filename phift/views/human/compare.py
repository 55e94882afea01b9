"""`phift metrics --compare` and `phift diff`: two trainings next to each other, A and B."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from phift.inert import inert
from phift.views.base import PLAIN, Style
from phift.views.human.data import difference
from phift.views.human.metrics import bars_beside, curve
from phift.views.human.values import cut, duration, note, number, table, value

if TYPE_CHECKING:
    from phift.kinds.model.lookup import Trained
    from phift.phases.compare_metrics import Course, MetricsComparison
    from phift.phases.compare_versions import Answers, SplitChange, VersionDiff

__all__ = ["about", "delta", "metrics", "summary", "version_diff"]


def metrics(found: MetricsComparison, *, style: Style = PLAIN) -> str:
    """Return the two trainings, the last and the best values of each metric, and the curves on a common scale."""
    head = list(_sides(found.before, found.after, style, found.states))
    if not found.rows:
        return "\n".join([*head, "", "Neither has metrics yet."])
    return "\n".join([*head, "", *_values(found, style), *_bests(found, style), "", *_curves(found, style)])


def _sides(before: Trained, after: Trained, style: Style, states: tuple[str, str] = ("", "")) -> Iterator[str]:
    sides = [about(one, state) for one, state in zip((before, after), states, strict=True)]
    rows = [(name, old, new) for name, old, new in _aligned(*sides) if old or new]
    first, *rest = table([("", "A", "B"), *rows])
    yield style.bold(first)
    yield from rest


def _aligned(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    yield from ((name, before[name], after[name]) for name in before)


def about(one: Trained, state: str = "") -> dict[str, str]:
    """Return what is known of a training, by name; "" for what is not."""
    run = one.measured
    return {
        "version": inert(one.label) if one.version else "",
        "job": inert(one.job),
        "state": inert(state),
        "created": inert(one.created[:16].replace("T", " ")),
        "trained": duration(run.train) if run else "",
        "compute": f"{run.nodes} x {inert(run.size)}" if run else "",
    }


def _values(found: MetricsComparison, style: Style, indent: str = "") -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("METRIC", "A", "B", "DIFFERENCE", "")]
    for row in found.rows:
        lasts = ["-" if one is None else number(one.last.value) for one in (row.before, row.after)]
        rows.append((inert(row.name), *lasts, *delta(row.before, row.after)))
    first, *rest = table(rows, indent=indent)
    yield style.dim(first)
    yield from rest


def delta(before: Course | None, after: Course | None) -> tuple[str, str]:
    """Return the difference of the last values, and its share of the first one; "" if they are not known."""
    if before is None or after is None:
        return "", ""
    old, new = before.last.value, after.last.value
    if old == new:
        return "0", ""
    if not (isfinite(old) and isfinite(new)):
        return "", ""
    share = f"{100 * (new - old) / abs(old):+.1f} %" if old else ""
    return f"{'+' if new > old else ''}{number(new - old)}", share


def _bests(found: MetricsComparison, style: Style) -> Iterator[str]:
    """Yield the best values of the metrics that have them, after an empty line."""
    rows = [
        (inert(row.name), *(_best(side) for side in (row.before, row.after)))
        for row in found.rows
        if any(side and side.best for side in (row.before, row.after))
    ]
    if rows:
        first, *rest = table([("BEST", "A", "B"), *rows])
        yield ""
        yield style.dim(first)
        yield from rest


def _best(course: Course | None) -> str:
    if course is None or course.best is None:
        return "-"
    return f"{number(course.best.value)} at step {course.best.step}"


def _curves(found: MetricsComparison, style: Style) -> Iterator[str]:
    series = [[[p.value for p in side.points] if side else [] for side in (r.before, r.after)] for r in found.rows]
    counts = [" / ".join(str(len(one)) for one in sides) for sides in series]
    named = [("COURSE", "POINTS"), *((inert(r.name), count) for r, count in zip(found.rows, counts, strict=True))]
    bars = bars_beside(named, 2, style)
    curves = [("A", "B"), *(_on_common_scale(sides, bars) for sides in series)]
    first, *rest = table([(*name, *drawn) for name, drawn in zip(named, curves, strict=True)])
    yield style.dim(first)
    yield from rest


def _on_common_scale(sides: Sequence[Sequence[float]], bars: int) -> tuple[str, ...]:
    numbers = [one for side in sides for one in side if isfinite(one)]
    scale = (min(numbers), max(numbers)) if numbers else None
    return tuple(curve(one, bars, scale) for one in sides)


def version_diff(found: VersionDiff, *, style: Style = PLAIN) -> str:
    """Return what differs between two versions: lineage, parameters, data, metrics, answers."""
    parts = ["\n".join(_sides(found.before, found.after, style))]
    if found.notes:
        parts.append("\n".join(note(text, style) for text in found.notes))
    parts.append(summary(found))
    if found.lineage:
        rows = [(change.name, _change(change.before, change.after)) for change in found.lineage]
        parts.append("\n".join([style.bold("Lineage"), *table(rows, indent="  ")]))
    if found.parameters:
        rows = [(inert(change.name), _change(change.before, change.after)) for change in found.parameters]
        parts.append("\n".join([style.bold("Parameters"), *table(rows, indent="  ")]))
    if found.data:
        parts.append("\n".join([style.bold("Data"), *(line for one in found.data for line in _split(one, style))]))
    if found.metrics is not None and found.metrics.rows:
        parts.append("\n".join([style.bold("Metrics"), *_values(found.metrics, style, "  ")]))
    if found.answers is not None:
        parts.append("\n".join(_answered(found.answers, style)))
    return "\n\n".join(parts)


def summary(found: VersionDiff) -> str:
    """Return one sentence: how many inputs differ."""
    if not (found.before.inputs and found.after.inputs):
        return "The inputs cannot be compared."
    if found.equal:
        return "Both result from the same inputs."
    changed = [
        ", ".join(change.name.replace("_", " ") for change in found.lineage),
        f"{len(found.parameters)} of {len(found.parameters) + found.same_parameters} parameters"
        if found.parameters
        else "",
        f"{len(found.data)} of {len(found.data) + found.same_splits} splits of the data" if found.data else "",
    ]
    return f"Different: {', '.join(filter(None, changed))}."


def _change(before: object, after: object) -> str:
    shown = ["(none)" if one is None else value(one) for one in (before, after)]
    return f"{shown[0]} -> {shown[1]}"


def _split(change: SplitChange, style: Style) -> Iterator[str]:
    if change.rows is not None:
        yield from (f"  {line}" for line in difference(change.rows, Style(style.colour, style.width - 2)))
        return
    yield f"  {style.bold(f'data.{change.split}')} {change.before or '(none)'} -> {change.after or '(none)'}"
    if change.why:
        yield f"    rows not compared: {inert(change.why)}"


def _answered(found: Answers, style: Style) -> Iterator[str]:
    if found.why:
        text = textwrap.fill(
            f"Answers not compared: {inert(found.why)}.", style.width, break_long_words=False, break_on_hyphens=False
        )
        yield style.bold("Answers") + text.removeprefix("Answers")
        return
    same = sum(row.equal for row in found.rows)
    yield f"{style.bold('Answers')} of {found.before} (A) and {found.after} (B): {same} of {len(found.rows)} equal"
    for number_, row in enumerate(found.rows, 1):
        yield f"  {number_}  {style.bold(_line(row.prompt, style))}"
        told = [("A=B", row.after)] if row.equal else [("A", row.before), ("B", row.after)]
        told += [("truth", row.ground_truth)] if row.ground_truth else []
        yield from (f"     {style.dim(name.ljust(5))}  {_line(text, style)}" for name, text in told)


def _line(text: str, style: Style) -> str:
    return cut(inert(text), max(style.width - 12, 20))
