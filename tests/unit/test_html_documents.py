"""The documents of plans and reports: their rules, their content, and that nothing in them acts."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phift.kinds.base import Kind
from phift.kinds.registry import KINDS
from phift.plan.action import Action, Purpose
from phift.plan.model import Plan, PlannedResource
from phift.spec.document import Spec
from phift.views.base import PlanOptions
from phift.views.html.page import policy
from phift.views.html.plans import plan, plans
from phift.views.html.report import report
from tests.htmldocs import Element, parsed, problems
from tests.htmlreports import PLAN, REPORT, ROWS, SEVERAL, VALUES, big_plan, never_applied, poisoned, resource

DOCUMENTS = {
    "plan": plan(PLAN, values=VALUES),
    "saved plan": plan(PLAN),
    "everything of a plan": plan(PLAN, PlanOptions(show_unchanged=True, show_suppressed=True), values=VALUES),
    "summary": plan(PLAN, PlanOptions(summary=True)),
    "no changes": plan(replace(PLAN, resources=PLAN.resources[:2], cost=None, warnings=(), notes=())),
    "destroy": plan(replace(PLAN, purpose=Purpose.DESTROY)),
    "empty": plan(replace(PLAN, resources=())),
    "several": plans(SEVERAL),
    "report": report(REPORT),
    "report with rows": report(replace(REPORT, rows=ROWS)),
    "never applied": report(never_applied()),
}


def section(document: str, id: str) -> Element:
    return next(e for e in parsed(document).all("section") if e.attributes["aria-labelledby"] == id)


def words(element: Element) -> str:
    return " ".join(element.text.split())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_keeps_the_rules(name: str) -> None:
    assert problems(DOCUMENTS[name]) == []


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ('<p id="main">', "id main"),
        ('<a href="https://x.example">x</a>', "href"),
        ('<img src="x">', "img"),
        ("<p onclick=x>a</p>", "onclick"),
        ("<p style=x>a</p>", "style"),
        ("<h4>a</h4>", "h4 after h2"),
        ("<script>1</script>", "script-src"),
        ("<details><p>a</p></details>", "without summary"),
        ('<svg role="img"><title>a</title></svg>', "without a description"),
        ("a\u202eb", "active"),
    ],
)
def test_the_rules_see_what_breaks_them(broken: str, found: str) -> None:
    document = DOCUMENTS["empty"].replace("</main>", f"{broken}{'</p>' if broken.startswith('<p id') else ''}</main>")
    assert any(found in one for one in problems(document)), problems(document)


def test_a_change_shows_its_values_consequence_and_origin() -> None:
    changes = [words(e) for e in section(DOCUMENTS["plan"], "changes").all("ul", of="changes")]
    assert changes[0] == "~ learning_rate 0.005 becomes 0.0025 forces retraining from quickstart.yaml:36".replace(
        "0.005 becomes", "0.005 \u2192 becomes"
    )
    assert "environment_variables.TOKEN (sensitive value) \u2192 becomes (sensitive value)" in changes[1]
    assert 'removed: "before"' in changes[1]
    assert "instance_count 3 \u2192 becomes 2 changed outside phift; last applied: 1" in changes[1]
    assert "target prod (quickstart.yaml:70)" in changes[1]
    assert "case" not in changes[1]


def test_attributes_name_their_origins_on_demand() -> None:
    found = words(section(DOCUMENTS["plan"], "changes"))
    assert "parameters.lora_r 32 model default Phi-3-mini-4k-instruct:16" in found
    assert 'instance_type "Standard_NC24ads_A100_v4" var size (quickstart.yaml:51)' in found
    assert 'tags.team "a" quickstart.yaml:13' in found
    assert "model default" not in words(section(DOCUMENTS["saved plan"], "changes"))


def test_what_is_destroyed_is_said_first() -> None:
    lost = replace(PLAN, resources=(*PLAN.resources, resource("endpoint.old", Action.DELETE, "chat-1a2b3c")))
    found = section(plan(lost), "findings").all("li")
    assert words(found[0]) == "Destroyed endpoint.old (chat-1a2b3c) with its deployments"
    assert "Destroyed" not in words(section(plan(PLAN), "findings"))


def test_suppressed_and_unchanged_are_shown_when_asked_for() -> None:
    whole = words(section(DOCUMENTS["everything of a plan"], "changes"))
    assert "rule case: the service changes the case" in whole
    assert "rule case" not in words(section(DOCUMENTS["plan"], "changes"))
    assert "2 unchanged resources" in words(section(DOCUMENTS["plan"], "changes"))


def test_the_count_line_and_the_cost_are_in_the_words_of_the_text_view() -> None:
    assert "Plan: 4 to add, 1 to change, 1 to destroy." in words(section(DOCUMENTS["plan"], "changes"))
    assert "Apply about 8; afterwards 2,679 a month (now 0, +2,679)" in words(section(DOCUMENTS["plan"], "cost"))
    header = words(parsed(DOCUMENTS["plan"]).all("header")[0])
    assert "+4 to add" in header
    assert "apply $8, $2,679 a month (+2,679)" in header


def test_the_order_marks_the_critical_path_and_knows_the_estimate() -> None:
    order = section(DOCUMENTS["plan"], "order")
    assert "critical path takes about 2h06m, without 5 of 6 durations" in words(order)
    rows = [words(row) for row in order.all("tr")[1:]]
    assert rows[0] == "job.finetune + 2h06m yes \u2013"
    assert rows[-1] == "deployment.d-c4cb \u2212 \u2013 yes traffic.main"
    assert [len(d.all("rect")) for d in order.all("svg")] == [6, 6]


def test_circular_dependencies_of_a_saved_plan_leave_out_the_order() -> None:
    a, b = (resource(f"compute.{x}", PLAN.resources[2].action, after=f"compute.{y}") for x, y in ("ab", "ba"))
    document = plan(replace(PLAN, resources=(a, b)))
    assert problems(document) == []
    assert 'id="order"' not in document


def test_several_stacks_have_an_index() -> None:
    index = section(DOCUMENTS["several"], "index")
    assert [a.attributes["href"] for a in index.all("a")] == ["#s1", "#s3"]
    whole = parsed(plans(SEVERAL, PlanOptions(show_unchanged=True)))
    assert [e.text for e in whole.all("h2")] == ["Stacks", "a", "b", "bad.yaml"]
    assert "error no such thing" in words(index)
    assert [words(cell) for cell in index.all("th")[:5]] == ["Stack", "Add", "Change", "Destroy", "Spec"]
    assert "Could not be planned. no such thing Create it." in words(section(DOCUMENTS["several"], "s3"))


def test_trainings_are_drawn_next_to_each_other() -> None:
    training = section(DOCUMENTS["report"], "training")
    titles = [words(e) for e in training.all("figcaption")]
    assert titles == ["Training loss", "Learning rate"]
    first = training.all("figure")[0]
    assert [e.attributes["class"] for e in first.all("polyline")] == ["line s1", "line s0"]
    assert "learning_rate 0.001 \u2192 becomes 0.005" in words(training)
    assert "3 earlier versions are not shown" in words(training)
    assert "quickstart-9 not registered Failed gone" in words(training)


def test_tests_name_the_version_that_they_tested() -> None:
    rows = [words(row) for row in section(DOCUMENTS["report"], "tests").all("tr")[1:]]
    assert rows == [
        "smoke passed 50.0% version 2 d-b1 2s 2026-03-04 10:00",
        "smoke test smoke failed on deployment d-b1 \u2013 version 2 d-b1 2s 2026-03-02 10:00",
        "smoke passed 98.0% version 1 d-c4cb 2s 2026-03-01 10:00",
    ]


def test_history_shows_open_and_failed_applies() -> None:
    history = words(section(DOCUMENTS["report"], "history"))
    assert "interrupted +5 ~1 -1 ann@ci, commit 5cda6cda" in history
    assert "traffic.main: update started, outcome unknown" in history
    assert "https://ci.example/1" in history


def test_parts_that_are_missing_say_why() -> None:
    document = DOCUMENTS["never applied"]
    assert "the size is not allowed Choose another. warning model-retires" in words(section(document, "changes"))
    assert "No training yet" in words(section(document, "training"))
    assert "The results are in the history, which is not available" in words(section(document, "tests"))
    assert "the storage account is not reachable Ask for a role." in words(section(document, "history"))
    assert "not signed in" in words(section(document, "state"))


def test_rows_are_shown_only_when_they_were_asked_for() -> None:
    assert "secret row" in DOCUMENTS["report with rows"]
    assert "secret row" not in DOCUMENTS["report"]


EVIL = (
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "</title></textarea><!--",
    "{{ 7 * 7 }}{% raw %}",
    "\u202egnp.exe\u2066",
    "\u200b\ufeff\x1b[2J\x00",
    "&lt;b&gt;",
)


@pytest.mark.parametrize("poison", EVIL)
def test_what_strangers_name_stays_text(poison: str) -> None:
    for made in (
        plan(
            poisoned(PLAN, poison),
            PlanOptions(show_unchanged=True, show_suppressed=True),
            values=poisoned(VALUES, poison),
        ),
        report(replace(poisoned(REPORT, poison), rows=poisoned(ROWS, poison))),
        report(poisoned(never_applied(), poison)),
    ):
        assert problems(made) == []
        assert len(parsed(made).all("script")) == 1
        assert "{{ 7 * 7 }}" in made or "7 * 7" not in poison


def shape(document: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(e.name, tuple(e.attributes)) for e in parsed(document).all()]


@pytest.mark.parametrize("poison", EVIL)
def test_what_strangers_name_does_not_change_the_structure(poison: str) -> None:
    assert shape(plan(poisoned(PLAN, poison))) == shape(plan(poisoned(PLAN, "x")))
    assert shape(report(poisoned(REPORT, poison))) == shape(report(poisoned(REPORT, "x")))


@given(st.text(max_size=40))
def test_any_text_stays_text(poison: str) -> None:
    assert problems(plan(poisoned(PLAN, poison), values=poisoned(VALUES, poison))) == []


def test_literal_secrets_are_concealed() -> None:
    secret = PlannedResource(
        PLAN.resources[4].address,
        PLAN.resources[4].action,
        "d",
        desired={"environment_variables": {"API_KEY": "hunter2hunter2"}},
    )
    assert "hunter2" not in plan(replace(PLAN, resources=(secret,)))


def test_the_policy_allows_exactly_its_own_style_and_script() -> None:
    assert policy("a", "b") != policy("a", "c")
    assert "'unsafe" not in policy("a", "b")


COLOURS = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
STYLE = (Path(__file__).parents[2] / "phift/views/html/templates/style.css").read_text(encoding="utf-8")
PAIRS = [
    *((ink, paper) for ink in ("ink", "muted", "accent", "destroy", "add", "change") for paper in ("bg", "surface")),
    *((ink, "sunken") for ink in ("ink", "muted")),
    *((tone, f"{tone}-bg") for tone in ("add", "change", "destroy", "keep")),
]


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_and_lines_have_contrast(scheme: int) -> None:
    colours = {name: (light, dark)[scheme] for name, light, dark in COLOURS.findall(STYLE)}
    low = {pair: round(ratio, 2) for pair in PAIRS if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 4.5}
    assert not low
    for n in range(6):
        assert contrast(colours[f"s{n}"], colours["surface"]) >= 3


def test_a_large_plan_is_folded_and_its_drawing_limited() -> None:
    document = plan(big_plan(300))
    root = parsed(document)
    assert not [e for e in root.all("details", of="res") if "open" in e.attributes]
    assert len(root.all("svg", of="wide")[0].all("rect")) == 60
    assert "240 resources are not drawn" in document
    assert len(section(document, "order").all("tr")) == 301
    assert len(document) < 300 * 5000


def test_a_plan_file_of_an_earlier_release_is_shown() -> None:
    assert problems(plan(Plan.from_dict(PLAN.to_dict()))) == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_names_the_blocks_of_its_values(kind: Kind[Any, Any]) -> None:
    assert kind.blocks
    assert {block.partition(".")[0] for block in kind.blocks} <= set(Spec.model_fields)
