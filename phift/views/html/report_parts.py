"""What the template of a report shows: trainings with charts, tests, past applies, the current state, rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phift.address import Address
from phift.clock import duration
from phift.data.table import messages_in
from phift.kinds.registry import KINDS
from phift.kinds.words import number
from phift.ledger.journal import Intent, Record
from phift.ledger.words import ApplyOutcome, Verb
from phift.state.traits import Nature, Traits
from phift.views.html.chart import MOST_LINES, Chart, Line, line_chart, swatch, table_of
from phift.views.html.markup import Markup
from phift.views.html.plan_parts import Change, item_value
from phift.views.human.cost import per_hour
from phift.views.human.history import notes_of, row_of

if TYPE_CHECKING:
    from phift.phases.build_report import TrainingRun, Trainings
    from phift.phases.inspect_data import Preview
    from phift.phases.show_status import Status

__all__ = ["applies", "last_seconds", "rows_of", "state_rows", "test_rows", "training_part"]

_FIRST = ("loss", "eval_loss", "learning_rate")
"""Metrics whose charts are shown first; they are those of the trainer's own log."""
_TITLES = {"loss": "Training loss", "eval_loss": "Evaluation loss", "learning_rate": "Learning rate"}
_MOST_CHARTS = 24
_MOST_CHANGES = 12
_LONGEST_ROW = 2000


@dataclass(frozen=True)
class ChartPart:
    """A chart and its table. legend: the sample and the label of each line."""

    id: str
    title: str
    drawing: Markup
    legend: tuple[tuple[Markup, str], ...]
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True)
class RunPart:
    """A training. label: of its lines. marks: what is special about it. changes: of its inputs since the one before,
    None for the first. problem: why it does not have metrics."""

    label: str
    swatch: Markup
    job: str
    state: str
    created: str
    marks: tuple[str, ...]
    changes: tuple[Change, ...] | None
    more: int
    problem: str


@dataclass(frozen=True)
class TrainingPart:
    """The trainings. finals: the last value of each metric, by run."""

    runs: tuple[RunPart, ...]
    first: tuple[ChartPart, ...]
    others: tuple[ChartPart, ...]
    finals: tuple[tuple[str, ...], ...]
    left_out: int


@dataclass(frozen=True)
class ApplyPart:
    """A past apply. tone: "good", "bad" or "open". writes: address, verb, object, outcome."""

    when: str
    who: str
    commit: str
    what: str
    took: str
    outcome: str
    tone: str
    notes: tuple[str, ...]
    writes: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class TestRow:
    """A test of an apply. score: the share of the answers that equal the ground truth."""

    when: str
    model: str
    deployment: str
    test: str
    score: str
    took: str
    outcome: str
    tone: str


def training_part(found: Trainings, id: str) -> TrainingPart:
    """Return the trainings with a chart for each metric that has a course. id: prefix of ids in the document."""
    runs = found.runs[:MOST_LINES]
    series = [run.series if isinstance(run.series, Mapping) else {} for run in runs]
    labels = [_label(run) for run in runs]
    names = sorted({name for one in series for name in one}, key=lambda name: (_rank(name), name))
    charts: list[ChartPart] = []
    for name in names:
        lines = tuple(
            Line(label, tuple((float(p.step), p.value) for p in one[name]), style)
            for style, (label, one) in enumerate(zip(labels, series, strict=True))
            if name in one
        )
        if any(len(line.points) > 1 for line in lines):
            charts.append(_chart(name, lines, f"{id}-{len(charts) + 1}"))
    drawn = [chart for chart in charts if chart.drawing]
    first = sum(name in _FIRST for name in names)
    before = [*runs[1:], None]
    return TrainingPart(
        tuple(
            _run(run, style, label, old)
            for style, (run, label, old) in enumerate(zip(runs, labels, before, strict=True))
        ),
        tuple(drawn[:first]),
        tuple(drawn[first:][:_MOST_CHARTS]),
        tuple((name, *(_final(one.get(name, ())) for one in series)) for name in names),
        found.left_out,
    )


def last_seconds(records: Sequence[Record]) -> dict[str, float]:
    """Return how long each resource took in the last apply that finished it, by address."""
    found: dict[str, float] = {}
    for record in reversed(records):
        for address, seconds in record.seconds.items():
            if isinstance(seconds, int | float) and math.isfinite(seconds):
                found[address] = float(seconds)
    return found


def test_rows(records: Sequence[Record], trainings: Trainings | None) -> tuple[TestRow, ...]:
    """Return the tests of the applies, the newest first. records: the newest first.

    An apply that creates no deployment tests that of the last one before it.
    """
    versions = {run.job: run.version for run in trainings.runs if run.version} if trainings else {}
    job = deployment = ""
    found: list[TestRow] = []
    for record in reversed(records):
        intents = [one.intent for one in record.results]
        job = next((one.identity for one in intents if _traits(one).trains), job)
        made = (one.identity for one in intents if one.verb is Verb.CREATE and _traits(one).serves)
        deployment = next(made, deployment)
        found = [*_tests(record, versions.get(job, ""), deployment), *found]
    return tuple(found)


def applies(records: Sequence[Record]) -> tuple[ApplyPart, ...]:
    """Return the past applies, the newest first."""
    return tuple(_apply(record) for record in records)


def state_rows(found: Status) -> list[tuple[str, str, str, str, list[tuple[str, str]]]]:
    """Return address, name, state, bill and details of each resource."""
    rows = []
    for row in found.rows:
        bill = ""
        if row.bills is not None:
            bill = f"{row.bills.nodes} x {row.bills.size}, {per_hour(row.bills.usd_per_hour)}"
        details = [(str(key), item_value(data)) for key, data in row.details.items()]
        rows.append((row.address, row.identity, row.state, bill, details))
    return rows


def rows_of(found: Preview) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return a header and the messages of each row, as role and text."""
    shown = []
    for row in found.rows:
        if row.problems:
            messages = [("unfit", problem.summary) for problem in row.problems]
        else:
            messages = [(str(one["role"]), str(one["content"])[:_LONGEST_ROW]) for one in messages_in(row.row)]
        shown.append((f"{found.split}, row {row.number}", messages))
    return shown


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)


def _label(run: TrainingRun) -> str:
    return f"version {run.version}" if run.version else run.job


def _chart(name: str, lines: tuple[Line, ...], id: str) -> ChartPart:
    chart = Chart(id, _TITLES.get(name, name), lines, log="loss" in name)
    head, rows = table_of(chart)
    legend = tuple((swatch(line.style), line.label) for line in lines)
    return ChartPart(id, chart.title, line_chart(chart), legend, head, rows)


def _run(run: TrainingRun, style: int, label: str, before: TrainingRun | None) -> RunPart:
    marks = (
        "current spec" if run.wanted else "",
        "deployed" if run.served else "",
        "" if run.version else "not registered",
    )
    changes = tuple(_input_changes(before.inputs, run.inputs)) if before is not None else None
    problem = "" if isinstance(run.series, Mapping) else run.series.reason
    return RunPart(
        label,
        swatch(style),
        run.job,
        run.state,
        run.created[:16].replace("T", " "),
        tuple(filter(None, marks)),
        changes[:_MOST_CHANGES] if changes is not None else None,
        max(len(changes or ()) - _MOST_CHANGES, 0),
        problem or ("" if run.series else "no metrics"),
    )


def _input_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = dict(_flat(old)), dict(_flat(new))
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was != now:
            sign = "+" if was is None else "\u2212" if now is None else "~"
            texts = ["" if one is None else item_value(one) for one in (was, now)]
            yield Change(sign, name, texts[0], texts[1], force="", remark="", origin="")


def _flat(inputs: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, data in inputs.items():
        if isinstance(data, Mapping):
            yield from _flat(data, "" if key == "parameters" and not above else f"{above}{key}.")
        else:
            yield f"{above}{key}", data


def _final(points: Sequence[Any]) -> str:
    return _number(points[-1].value) if points else "\u2013"


def _number(value: float) -> str:
    return number(value) if math.isfinite(value) else str(value)


def _tests(record: Record, version: str, deployment: str) -> Iterator[TestRow]:
    for result in record.results:
        traits = _traits(result.intent)
        if traits.nature is not Nature.RUN or traits.leaves_object:
            continue
        score, seconds = result.facts.get("exact_match"), record.seconds.get(result.intent.address)
        good = result.outcome.took_effect
        yield TestRow(
            record.started[:16].replace("T", " "),
            f"version {version}" if version else "\u2013",
            deployment or "\u2013",
            Address.parse(result.intent.address).name,
            f"{score:.1%}" if isinstance(score, int | float) else "\u2013",
            duration(float(seconds)) if isinstance(seconds, int | float) else "\u2013",
            "passed" if good else str(result.facts.get("error") or result.outcome),
            "good" if good else "bad",
        )


def _traits(intent: Intent) -> Traits:
    kind = KINDS.get(intent.address.partition(".")[0])
    return kind.traits if kind else Traits()


def _apply(record: Record) -> ApplyPart:
    when, who, commit, what, took, outcome = row_of(record)
    good = record.outcome is not None and record.outcome.good
    tone = "good" if good else "open" if record.outcome in (None, ApplyOutcome.DETACHED) else "bad"
    writes = [(r.intent, str(r.outcome)) for r in record.results] + [(i, "outcome unknown") for i in record.open]
    return ApplyPart(
        when, who, commit, what, took, outcome, tone, tuple(notes_of(record)),
        tuple((intent.address, str(intent.verb), intent.identity, said) for intent, said in writes),
    )  # fmt: skip
