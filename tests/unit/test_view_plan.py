"""The text, JSON and markdown of a plan."""

import dataclasses
import json
import re

import pytest
from plans import KEPT, RETRAIN, change, plan, resource

from phift.diagnostics import Diagnostic, Severity
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose
from phift.plan.model import Plan
from phift.views import json as json_view
from phift.views import markdown
from phift.views.base import PLAIN, PlanOptions, Style
from phift.views.human import plan as text
from phift.views.human.values import number, table, value
from phift.views.human.words import kind_of_work


def test_a_retraining_says_why_what_and_what_it_forces() -> None:
    lines = text.render(plan(RETRAIN, KEPT)).splitlines()
    assert "  # job.finetune must be run again" in lines
    assert "  # (learning_rate changed)" in lines
    assert "      ~ learning_rate: 0.008 -> 0.004  # forces retraining" in lines
    assert "        # (12 unchanged attributes hidden)" in lines
    assert lines[-3:] == ["  + job.finetune", "", "Plan: 1 to add, 0 to change, 0 to destroy."]


def test_the_last_line_is_the_counts_word_for_word() -> None:
    planned = plan(
        resource("compute.a", Action.CREATE), resource("compute.b", Action.REPLACE), resource("compute.c", Action.ADOPT)
    )
    assert text.render(planned).splitlines()[-1] == str(planned.counts)
    assert str(planned.counts) == "Plan: 2 to add, 1 to change, 1 to destroy."


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Action.CREATE, "will be created"),
        (Action.RUN, "will be run"),
        (Action.UPDATE, "will be updated in-place"),
        (Action.REPLACE, "must be replaced"),
        (Action.DELETE, "will be destroyed"),
        (Action.SHIFT, "will be shifted"),
        (Action.ADOPT, "will be adopted"),
    ],
)
def test_every_action_has_its_words(action: Action, said: str) -> None:
    assert f"  # endpoint.main {said}" in text.render(plan(resource("endpoint.main", action))).splitlines()


def test_the_legend_names_only_the_symbols_in_use() -> None:
    legend = text.render(plan(RETRAIN)).split("\n\n")[0]
    assert "+ run (a job)" in legend
    assert "destroy" not in legend
    assert "update" not in legend


def test_what_needs_no_change_is_hidden_unless_asked_for() -> None:
    assert "data.train" not in text.render(plan(RETRAIN, KEPT))
    assert "# data.train is reused" in text.render(plan(RETRAIN, KEPT), PlanOptions(show_unchanged=True))


def test_a_summary_is_the_list_and_the_count() -> None:
    assert text.render(plan(RETRAIN, KEPT, notes=("n",)), PlanOptions(summary=True)) == (
        "  + job.finetune\n\nPlan: 1 to add, 0 to change, 0 to destroy."
    )


@pytest.mark.parametrize(
    ("purpose", "word"), [(Purpose.APPLY, "matches the spec"), (Purpose.DESTROY, "no resources to destroy")]
)
def test_no_changes_is_one_sentence(purpose: Purpose, word: str) -> None:
    said = text.render(plan(KEPT, purpose=purpose))
    assert said.startswith("No changes. ")
    assert word in said
    assert "\n" not in said


def test_a_change_made_outside_is_marked() -> None:
    said = text.render(
        plan(resource("compute.a", Action.UPDATE, changes=(change("size", 2, 4, by=ChangedBy.OUTSIDE),)))
    )
    assert "~ size: 2 -> 4  (changed outside phift)" in said


def test_suppressed_changes_are_not_shown() -> None:
    hidden = change("etag", "a", "b", ChangeAction.SUPPRESSED)
    shown = change("tags.a", None, "b")
    said = text.render(plan(resource("compute.a", Action.UPDATE, changes=(hidden, shown))))
    assert "etag" not in said
    assert '+ tags.a: "b"' in said


def test_suppressed_changes_are_shown_with_their_rule_when_asked_for() -> None:
    hidden = change("size", "a", "A", ChangeAction.SUPPRESSED, rule="case_insensitive", reason="sizes ignore case")
    kept = resource("compute.a", Action.NO_OP, changes=(hidden,))
    said = text.render(plan(kept), PlanOptions(show_suppressed=True))
    assert '        size: "a" for "A"' in said
    assert "suppressed by rule case_insensitive: sizes ignore case" in said
    assert "No changes." in said
    assert "size" not in text.render(plan(kept), PlanOptions(show_unchanged=True))


@pytest.mark.parametrize(
    ("live", "wanted", "applied", "said"),
    [
        (3, 4, 2, "3 -> 4  (last applied: 2)"),
        (2, 4, 2, "2 -> 4"),
        (3, 2, 2, "3 -> 2"),
        (3, 4, None, "3 -> 4"),
    ],
)
def test_what_was_applied_last_is_told_where_both_sides_moved(
    live: int, wanted: int, applied: object, said: str
) -> None:
    shown = change("max_instances", live, wanted, applied=applied)
    lines = text.render(plan(resource("compute.a", Action.UPDATE, changes=(shown,)))).splitlines()
    assert f"      ~ max_instances: {said}" in lines


def test_sensitive_values_appear_in_no_format() -> None:
    secret = change("environment_variables.KEY", "hunter1", "hunter2", sensitive=True)
    planned = plan(resource("deployment.main", Action.UPDATE, changes=(secret,)))
    for view in (text.render, json_view.plan, markdown.plan):
        said = view(planned)
        assert "hunter" not in said
        assert "KEY" in said


def test_a_change_too_long_for_the_line_is_shown_whole() -> None:
    before, after = "a" * 60, "a" * 59 + "b"
    said = text.render(plan(resource("compute.a", Action.UPDATE, changes=(change("description", before, after),))))
    assert f'"{before}"' in said
    assert f'-> "{after}"' in said


def test_created_attributes_are_aligned_nested_and_cut() -> None:
    wanted = {"name": "gpu", "idle_time": 120, "tags": {"team": "a"}, "none": None, "path": "x" * 200}
    planned = plan(resource("compute.a", Action.CREATE, desired=wanted, details={"version": "(known after apply)"}))
    lines = text.render(planned, PlanOptions(style=Style(width=80))).splitlines()
    assert '      + name:      "gpu"' in lines
    assert "      + idle_time: 120" in lines
    assert '          + team: "a"' in lines
    assert "      + version:   (known after apply)" in lines
    assert not any("none" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_values_are_whole_without_a_terminal() -> None:
    wanted = {"path": "x" * 200, "items": ["y" * 90, "z" * 90]}
    said = text.render(plan(resource("compute.a", Action.CREATE, desired=wanted)), PlanOptions(style=PLAIN))
    assert "x" * 200 in said
    assert "z" * 90 in said
    assert "..." not in said


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    warning = Diagnostic("a summary", Severity.WARNING, detail="why " * 40, remedy="do " * 40, code="c")
    planned = plan(
        dataclasses.replace(RETRAIN, reason="because " * 30, notes=("note " * 40,)),
        resource("compute.a", Action.CREATE, desired={"list": ["v" * 30] * 5, "map": {"k" * 50: "v" * 90}}),
        warnings=(warning,),
        notes=("note " * 40,),
        workspace="rg/" + "w" * 40,
    )
    assert max(map(len, text.render(planned, PlanOptions(style=Style(width=width))).splitlines())) <= width


def test_colour_adds_nothing_but_escapes() -> None:
    planned = plan(RETRAIN, KEPT, resource("compute.old", Action.DELETE), notes=("n",))
    dressed = text.render(planned, PlanOptions(style=Style(colour=True)))
    assert "\033[1mPlan:\033[0m" in dressed
    assert re.sub(r"\033\[\d+m", "", dressed) == text.render(planned)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (0.008, "0.008"),
        (5e-6, "5e-06"),
        (3, "3"),
        (True, "true"),
        (None, "null"),
        ("5", '"5"'),
        ("(known after apply)", "(known after apply)"),
        (["a", 1], '["a", 1]'),
        ({"a": False}, "{a: false}"),
        ("ü\n", '"ü\\n"'),
    ],
)
def test_values_print_as_people_wrote_them(data: object, said: str) -> None:
    assert value(data) == said


def test_measured_numbers_are_short() -> None:
    assert [number(n) for n in (3.04444, 0.0392712, 12961.4, 7.0, 2.43e-7)] == [
        "3.044",
        "0.03927",
        "12,961",
        "7",
        "2.43e-07",
    ]


def test_the_question_names_the_kind_of_work() -> None:
    assert kind_of_work(plan(RETRAIN, KEPT)) == "1 training run"
    job = resource("job.finetune", Action.RUN, details={"gpus": 4, "instance_count": 2})
    assert kind_of_work(plan(job)) == "1 training run on 8 GPUs (no time limit)"
    limited = dataclasses.replace(job, details={**job.details, "timeout_minutes": 90})
    assert kind_of_work(plan(limited)) == "1 training run on 8 GPUs (12 GPU hours at most)"
    assert kind_of_work(plan(resource("compute.a", Action.UPDATE))) == "configuration only, 1 in-place change"
    assert "1 new deployment" in kind_of_work(plan(resource("deployment.main", Action.CREATE)))
    assert "models are kept" in kind_of_work(plan(resource("compute.a", Action.DELETE), purpose=Purpose.DESTROY))


def test_json_is_the_plan_itself() -> None:
    planned = plan(RETRAIN, KEPT)
    assert Plan.from_dict(json.loads(json_view.plan(planned))) == planned


def test_json_summary_lists_what_changes() -> None:
    body = json.loads(json_view.plan(plan(RETRAIN, KEPT), PlanOptions(summary=True)))
    assert [r["address"] for r in body["resources"]] == ["job.finetune"]
    assert body["counts"]["add"] == 1


def test_a_last_column_goes_over_several_lines_where_it_has_room() -> None:
    rows = [("data.train", "it costs only storage"), ("job", "ended")]
    assert table(rows, width=26) == [
        "data.train  it costs only",
        "            storage",
        "job         ended",
    ]
    assert table(rows, width=20) == ["data.train  it co...", "job         ended"]
    assert table(rows) == ["data.train  it costs only storage", "job         ended"]
