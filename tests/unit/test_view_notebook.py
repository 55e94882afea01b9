"""Results in a notebook: fragments of HTML in which nothing acts, and the text of the command line."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from phift import api
from phift.address import Address
from phift.diagnostics import Diagnostic
from phift.display import Displayed
from phift.kinds.job.run_history import Point
from phift.plan.action import Action, ChangeAction
from phift.plan.model import FieldChange, Plan, PlannedResource
from phift.views import notebook

HOSTILE = "<script>alert(1)</script><img src=x onerror=y>&\"'\x1b[31m\u202e"

TAGS = {"div", "p", "b", "br", "code", "span", "pre", "details", "summary"}
TAGS |= {"table", "thead", "tbody", "tr", "th", "td"}

RESOURCE = PlannedResource(
    Address("deployment", "main"),
    Action.UPDATE,
    HOSTILE,
    HOSTILE,
    (FieldChange("instance_count", HOSTILE, 1, ChangeAction.UPDATE),),
    notes=(HOSTILE,),
)
PLAN = Plan(
    stack=HOSTILE,
    target=HOSTILE,
    workspace=HOSTILE,
    spec_path=HOSTILE,
    source="",
    spec_digest="",
    created="",
    resources=(RESOURCE, replace(RESOURCE, action=Action.NO_OP)),
    warnings=(Diagnostic(HOSTILE, remedy=HOSTILE, code="size-unlisted"),),
    notes=(HOSTILE,),
)
RESULTS: list[Displayed] = [
    PLAN,
    api.ApplyResult(
        plan=PLAN,
        added=1,
        changed=0,
        destroyed=0,
        elapsed=61.0,
        outputs={HOSTILE: {HOSTILE: HOSTILE, "metrics": {"a": 1}}},
        errors={HOSTILE: ValueError(HOSTILE)},
        exit_code=1,
    ),
    api.Answered(HOSTILE, f"a\n{HOSTILE}", HOSTILE, 0.25, {}),
    api.Metrics(HOSTILE, HOSTILE, {HOSTILE: (Point(1, 2.0, 0), Point(2, float("nan"), 0)), "none": ()}),
    api.Metrics("job", "Running", {}),
    api.Status(HOSTILE, HOSTILE, (), (HOSTILE,)),
    api.Preview(HOSTILE, HOSTILE, HOSTILE, HOSTILE, True, (), {HOSTILE: HOSTILE}),
]


class Reader(HTMLParser):
    """Collects the elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("result", RESULTS, ids=lambda one: type(one).__name__)
def test_nothing_in_it_acts_and_every_element_is_closed(result: Displayed) -> None:
    html = result._repr_html_()
    found = Reader(html)
    assert found.open == []
    assert found.tags <= TAGS
    assert found.attributes <= {"class", "style", "open"}
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "\x1b" not in notebook.text(result)


def test_a_plan_shows_its_changes_with_their_reasons() -> None:
    html = PLAN._repr_html_()
    assert html.count("<details open>") == 1, "unchanged resources are left out"
    assert "instance_count" in html
    assert "<b>Plan: 0 to add, 1 to change, 0 to destroy.</b>" in html
    assert notebook.text(PLAN).endswith("Plan: 0 to add, 1 to change, 0 to destroy.")
    assert "No changes." in replace(PLAN, resources=())._repr_html_()


def test_every_result_has_a_view_and_ipython_takes_it() -> None:
    named = {name for name in api.__all__ if isinstance(getattr(api, name), type)}
    displayed = {name for name in named if issubclass(getattr(api, name), Displayed)}
    assert named - displayed == {
        "ApplyOptions",
        "Chat",
        "ImportedSpec",
        "Record",
        "Rendering",
        "SpecHandle",
        "Validation",
    }
    assert displayed <= {*notebook._TEXTS, "Plan", "ApplyResult", "Answered"}
    for name in displayed:
        assert "_repr_pretty_" in vars(getattr(api, name)), "IPython prefers the __repr__ of the class otherwise"
    written: list[str] = []
    PLAN._repr_pretty_(SimpleNamespace(text=written.append), False)
    assert written == [notebook.text(PLAN)]
