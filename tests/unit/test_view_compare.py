"""Comparisons of two trainings as text, JSON and Markdown."""

from __future__ import annotations

import json
from math import inf, nan

import pytest

from phift.data.compare import Difference
from phift.kinds.job.run_history import Point
from phift.kinds.model.lookup import Trained
from phift.kinds.words import number
from phift.phases.compare_data import SplitDiff
from phift.phases.compare_metrics import MetricRow, MetricsComparison, course_of
from phift.phases.compare_versions import AnswerDiff, Answers, InputChange, SplitChange, VersionDiff
from phift.phases.read_logs import Metrics
from phift.views import json as documents
from phift.views import json_compare, markdown_compare
from phift.views.base import Style
from phift.views.human import compare as text
from phift.views.human import metrics as measured

INPUTS = {"base_model": "azureml://models/a/versions/1", "parameters": {"learning_rate": 0.1}}
OLD = Trained("chat", "1", "chat-0123456789ab", "chat", INPUTS, "2026-01-02T03:04:05.678+00:00")
NEW = Trained("chat", "2", "chat-ba9876543210", "chat", INPUTS)


def row(name: str, before: list[float], after: list[float]) -> MetricRow:
    sides = ([Point(n, one, 0) for n, one in enumerate(side, 1)] for side in (before, after))
    return MetricRow(name, *(course_of(name, side) for side in sides))


def comparison(*rows: MetricRow) -> MetricsComparison:
    return MetricsComparison("chat", OLD, NEW, ("Completed", "Running"), rows)


def test_last_and_best_values_with_their_difference() -> None:
    found = comparison(
        row("eval_loss", [3, 0.5, 1], [2, 0.5]), row("exact_match", [0.5], [0.75]), row("epoch", [], [1])
    )
    assert text.metrics(found).splitlines() == [
        "         A                  B",
        "version  chat:1             chat:2",
        "job      chat-0123456789ab  chat-ba9876543210",
        "state    Completed          Running",
        "created  2026-01-02 03:04",
        "",
        "METRIC       A    B     DIFFERENCE",
        "eval_loss    1    0.5   -0.5        -50.0 %",
        "exact_match  0.5  0.75  +0.25       +50.0 %",
        "epoch        -    1",
        "",
        "BEST         A              B",
        "eval_loss    0.5 at step 2  0.5 at step 2",
        "exact_match  0.5 at step 1  0.75 at step 1",
        "",
        "COURSE       POINTS  A    B",
        "eval_loss    3 / 2   █▁▂  ▅▁",
        "exact_match  1 / 1",
        "epoch        0 / 1",
    ]


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_training_that_diverged_is_shown(value: float) -> None:
    """A loss that is not a number any more is a finding, not a reason to fail."""
    found = comparison(row("loss", [3, value], [2, 1]))
    shown = text.metrics(found)
    assert str(value) in shown
    assert "3 at step 1" in shown
    last = json.loads(json_compare.metrics(found))["metrics"][0]
    assert (last["before"]["last"]["value"], last["difference"]) == (None, None)
    alone = Metrics("chat-1", "Completed", {"loss": (Point(1, 3.0, 0), Point(2, value, 0))})
    assert str(value) in measured.render(alone)
    assert json.loads(documents.metrics(alone))["series"]["loss"][1]["value"] is None
    assert number(value) == str(value)


def test_courses_have_a_common_scale() -> None:
    assert measured.curve([1, 2], 20) == "▁█"
    assert measured.curve([1, 2], 20, (0, 2)) == "▅█"
    assert measured.curve([1, nan, 2], 20) == "▁█"


def difference(**changed: object) -> VersionDiff:
    known = {
        "stack": "chat",
        "before": OLD,
        "after": NEW,
        "lineage": (InputChange("base_model", "a@1", "a@2"),),
        "parameters": (InputChange("lora_r", None, 8), InputChange("<b>|", "`a`", "@all")),
        "data": (
            SplitChange("test", "0" * 12, "1" * 12, why="not | found"),
            SplitChange("train", "2" * 12, "3" * 12, SplitDiff("train", "2" * 12, "3" * 12, Difference(1200, 3, 2, 1))),
        ),
        "same_parameters": 36,
        "same_splits": 0,
        "answers": Answers("d-1", "d-2", (AnswerDiff("\x1b[31mWho?", "I", "I", "You"), AnswerDiff("?", "", "!", "!"))),
        "notes": ("Metrics are not compared: a reason.",),
    }
    return VersionDiff(**{**known, **changed})  # type: ignore[arg-type]


def test_the_differences_of_two_versions() -> None:
    assert text.version_diff(difference()).splitlines()[5:] == [
        "Note: Metrics are not compared: a reason.",
        "",
        "Different: base model, 2 of 38 parameters, 2 of 2 splits of the data.",
        "",
        "Lineage",
        '  base_model  "a@1" -> "a@2"',
        "",
        "Parameters",
        "  lora_r  (none) -> 8",
        '  <b>|    "`a`" -> "@all"',
        "",
        "Data",
        "  data.test 000000000000 -> 111111111111",
        "    rows not compared: not | found",
        "  data.train 222222222222 -> 333333333333: 3 added, 2 removed, 1 changed, 1,200 unchanged",
        "  + and 3 more",
        "  - and 2 more",
        "  ~ and 1 more",
        "",
        "Answers of d-1 (A) and d-2 (B): 1 of 2 equal",
        "  1  \\x1b[31mWho?",
        "     A      I",
        "     B      You",
        "     truth  I",
        "  2  ?",
        "     A=B    !",
    ]


def test_in_markdown_names_and_values_are_plain_text() -> None:
    shown = markdown_compare.version_diff(difference())
    assert "| `lora_r` |  | `8` |" in shown
    assert '| <code>&lt;b&gt;&#124;</code> | ``"`a`"`` | `"@all"` |' in shown
    assert "| `test` | `000000000000` | `111111111111` | not \\| found |" in shown
    assert "3 added, 2 removed, 1 changed, 1,200 unchanged" in shown
    assert "| \\\\x1b\\[31mWho? | I | You | I |" in shown
    assert "1 of 2 answers are equal." in shown


def test_no_differences_and_nothing_to_compare() -> None:
    same = difference(lineage=(), parameters=(), data=(), answers=Answers(why="chat:1 is not deployed"), notes=())
    assert "Both result from the same inputs." in text.version_diff(same)
    assert text.version_diff(same).endswith("Answers not compared: chat:1 is not deployed.")
    assert json.loads(json_compare.version_diff(same))["equal"] is True
    unknown = difference(before=Trained("chat", "1", ""), lineage=(), parameters=(), data=(), answers=None)
    assert "The inputs cannot be compared." in text.version_diff(unknown)


def test_tables_with_curves_fit_the_terminal() -> None:
    points = [float(n % 7) for n in range(200)]
    name = "eval_mean_token_accuracy_of_answers"
    series = {name: [Point(n, one, 0) for n, one in enumerate(points)]}
    wide = comparison(row(name, points, points))
    for width in (80, 100, 140):
        style = Style(width=width)
        shown = [measured.render(Metrics("job", "Completed", series), style=style), text.metrics(wide, style=style)]
        assert all(len(line) <= width for one in shown for line in one.splitlines()), shown
        assert all(set(measured.BARS) & set(one) for one in shown)


def test_notes_and_reasons_wrap_between_words() -> None:
    why = "chat:1 is not deployed (deployments: d-2a39c47c serves chat:2). `rollout: {keep_previous: 1}` keeps it"
    found = VersionDiff("chat", OLD, NEW, (), (), (), 4, 1, answers=Answers(why=why), notes=("a word " * 30,))
    lines = text.version_diff(found, style=Style(width=60)).splitlines()
    assert max(map(len, lines)) <= 60
    assert "Answers not compared: chat:1 is not deployed (deployments:" in lines
