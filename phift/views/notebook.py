"""Results of the Python API in a notebook: fragments of HTML without scripts, or the text of the command line.

Notebooks escape nothing, and are shared: every value is escaped here. Style is inline, as viewers drop style sheets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from phift.inert import inert
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.views.base import PlanOptions, Style

if TYPE_CHECKING:
    from phift.phases import Answered, Metrics, Status

__all__ = ["html", "text"]

_WIDTH = Style(width=100)

_TEXTS = {
    "DataDiff": "data.diff",
    "DataStats": "data.stats",
    "Drift": "drift.render",
    "LockReport": "lock.render",
    "Metrics": "metrics.render",
    "MetricsComparison": "compare.metrics",
    "Preview": "data.preview",
    "Status": "status.render",
    "VersionDiff": "compare.version_diff",
}
"""The function of phift.views.human that renders a result, by its class."""

_COLOURS = {"+": "#1a7f37", "~": "#9a6700", "-": "#cf222e", "-/+": "#cf222e"}
"""Of symbols; legible on light and on dark backgrounds."""
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;overflow-wrap:anywhere"
_PRE = "margin:4px 0;white-space:pre;overflow-x:auto;font-size:90%;line-height:1.35"


def text(result: Any) -> str:
    """Return a result as the command line shows it, without colours."""
    return inert(_rendered(result), keep="\n")


def _rendered(result: Any) -> str:
    match type(result).__name__:
        case "Plan":
            from phift.views.human import plan

            return plan.render(result, PlanOptions(style=_WIDTH))
        case "ApplyResult":
            return "\n".join(_applied(result))
        case "Answered":
            return str(result.answer)
        case name:
            module, _, function = _TEXTS[name].partition(".")
            view = getattr(import_module(f"phift.views.human.{module}"), function)
            return str(view(result, style=_WIDTH))


def html(result: Any) -> str:
    """Return a result as HTML: a table where one is easier to read than text."""
    views: dict[str, Callable[[Any], Iterator[str]]] = {
        "Answered": _answer,
        "ApplyResult": _apply_result,
        "Metrics": _metrics,
        "Plan": _plan,
        "Status": _status,
    }
    view = views.get(type(result).__name__)
    body = "".join(view(result)) if view else _pre(text(result))
    return f'<div class="phift">{body}</div>'


def _plan(plan: Plan) -> Iterator[str]:
    from phift.views.human import plan as view
    from phift.views.human.words import planned_phrase

    shown = [r for r in plan.resources if r.action.changes_something]
    yield _paragraph(f"<b>{_text(plan.stack)}</b> on {_text(plan.target)}, {_text(plan.workspace)}")
    for warning in plan.warnings:
        yield _paragraph(f"<b>Warning:</b> {_text(warning.summary)} {_text(warning.remedy)}")
    if shown:
        rows = [
            [
                _symbol(resource.action),
                f"<code>{_text(str(resource.address))}</code> {_text(planned_phrase(resource))}{_because(resource)}",
                _folded("details", view.block(resource, _WIDTH), opened=bool(resource.visible_changes)),
            ]
            for resource in shown
        ]
        yield _table(("", "resource", ""), rows)
    for note in plan.notes:
        yield _paragraph(f"Note: {_text(note)}")
    if plan.cost is not None:
        from phift.views.human import cost

        yield _pre(cost.render(plan.cost, plan.purpose, _WIDTH))
    yield _paragraph(f"<b>{_text(view.count_line(plan))}</b>")


def _because(resource: PlannedResource) -> str:
    return f'<br><span style="opacity:0.75">{_text(resource.reason)}</span>' if resource.reason else ""


def _symbol(action: Action) -> str:
    colour = _COLOURS.get(action.symbol, "inherit")
    return f'<code style="color:{colour};font-weight:bold">{_text(action.symbol)}</code>'


def _applied(result: Any) -> Iterator[str]:
    counts = f"{result.added} added, {result.changed} changed, {result.destroyed} destroyed"
    yield f"{'Complete' if result.ok else 'Incomplete'}: {counts}."
    for address, error in result.errors.items():
        yield f"{address}: {getattr(error, 'summary', error)}"
    for address, found in result.outputs.items():
        yield from (f"{address}.{name} = {value}" for name, value in found.items() if _is_plain(value))


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _apply_result(result: Any) -> Iterator[str]:
    from phift.views.human.values import duration

    head, *_ = _applied(result)
    yield _paragraph(f"<b>{_text(head)}</b> {duration(result.elapsed)}")
    if result.errors:
        rows = [[_text(address), _text(str(error))] for address, error in result.errors.items()]
        yield _table(("failed", "error"), rows)
    outputs = [
        [f"<code>{_text(address)}</code>", _text(name), _text(str(value))]
        for address, found in result.outputs.items()
        for name, value in found.items()
        if _is_plain(value)
    ]
    if outputs:
        yield f"<details><summary>outputs</summary>{_table(('resource', 'output', 'value'), outputs)}</details>"


def _status(status: Status) -> Iterator[str]:
    yield _paragraph(f"<b>{_text(status.stack)}</b> in {_text(status.workspace)}")
    rows = [[f"<code>{_text(row.address)}</code>", _text(row.identity), _text(row.state)] for row in status.rows]
    yield _table(("resource", "name", "state"), rows)
    yield from (_paragraph(_text(note)) for note in status.notes)


def _metrics(metrics: Metrics) -> Iterator[str]:
    from phift.views.human.metrics import curve
    from phift.views.human.values import number

    yield _paragraph(f"Job <b>{_text(metrics.job)}</b> ({_text(metrics.state)})")
    rows = [
        [
            _text(name),
            str(len(points)),
            *(number(point.value) for point in (points[0], points[-1])),
            curve([p.value for p in points], 30),
        ]
        for name, points in sorted(metrics.series.items())
        if points
    ]
    yield _table(("metric", "points", "first", "last", "course"), rows) if rows else _paragraph("No metrics yet.")


def _answer(answered: Answered) -> Iterator[str]:
    from phift.views.human.values import duration

    rows = [["prompt", _lines(answered.prompt)], ["answer", _lines(answered.answer)]]
    if answered.ground_truth:
        rows.append(["ground truth", _lines(answered.ground_truth)])
    yield _table(("", duration(answered.seconds)), rows)


def _text(value: str) -> str:
    return escape(inert(value))


def _lines(value: str) -> str:
    return escape(inert(value, keep="\n")).replace("\n", "<br>")


def _paragraph(content: str) -> str:
    return f'<p style="margin:4px 0">{content}</p>'


def _pre(content: str) -> str:
    return f'<pre style="{_PRE}">{escape(inert(content, keep=chr(10)))}</pre>'


def _folded(summary: str, content: str, *, opened: bool) -> str:
    return f"<details{' open' if opened else ''}><summary>{_text(summary)}</summary>{_pre(content)}</details>"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table. The cells are HTML."""
    titles = "".join(f'<th style="{_CELL}">{_text(title)}</th>' for title in head)
    body = "".join(
        f"<tr>{''.join(f'<td style={chr(34)}{_CELL}{chr(34)}>{cell}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"
