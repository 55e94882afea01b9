"""The plans of many stacks as JSON of the published schema, and as one comment that is never too long."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import jsonschema
import pytest
from referencing import Registry, Resource

from phift.address import Address
from phift.errors import NotFoundError
from phift.phases import ManyPlans, Request
from phift.phases.results import Planned, Unplanned
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.views.base import PlanOptions
from phift.views.markdown import LIMIT
from phift.views.markdown_several import plans as markdown
from phift.views.several import plans as documents
from phift.workbench.open import Workbench

SCHEMAS = Path(__file__).parents[2] / "schemas"


def stack(name: str, *actions: Action, size: int = 10) -> Planned:
    made = tuple(
        PlannedResource(Address("job", f"n{n}"), action, "x" * size, "because", desired={"text": "y" * size})
        for n, action in enumerate(actions)
    )
    plan = Plan(name, "local", "w", f"{name}.yaml", "#s", "0", "2026-03-01T10:00:00Z", resources=made)
    return Planned(Request(Path(f"{name}.yaml")), name, plan, bench=cast(Workbench, None))  # views do not read it


BROKEN = Unplanned(Request(Path("bad|name.yaml")), NotFoundError("no such <thing>"))
SOME = ManyPlans((stack("a", Action.CREATE, Action.RUN), stack("b", Action.NO_OP), BROKEN))


def test_json_is_of_the_schema() -> None:
    schemas = {n: json.loads((SCHEMAS / n).read_text()) for n in ("plan.schema.json", "plans.schema.json")}
    registry = Registry().with_resources((n, Resource.from_contents(s)) for n, s in schemas.items())
    jsonschema.Draft202012Validator.check_schema(schemas["plans.schema.json"])
    validator = jsonschema.Draft202012Validator(schemas["plans.schema.json"], registry=registry)
    document = json.loads(documents(SOME))
    assert list(validator.iter_errors(document)) == []
    assert [bool(s["error"]) for s in document["stacks"]] == [False, False, True]
    assert list(validator.iter_errors({**document, "more": 1}))
    assert list(validator.iter_errors({**document, "stacks": [{**document["stacks"][0], "plan": {"a": 1}}]}))
    short = json.loads(documents(SOME, PlanOptions(summary=True)))
    assert [r["address"] for r in short["stacks"][0]["plan"]["resources"]] == ["job.n0", "job.n1"]
    assert "desired" not in short["stacks"][0]["plan"]["resources"][0]


def test_a_comment_has_a_line_a_stack_and_its_plan_below() -> None:
    text = markdown(SOME)
    assert text.startswith(
        "<!-- phift-plan:* -->\n### phift plan: 3 stacks, 1 could not be planned\n\n**Plan: 2 to add, 0 to change,"
    )
    assert "| `a` | a.yaml | 2 | 0 | 0 |" in text
    assert "| | bad\\|name.yaml | **error** no such &lt;thing> | | |" in text
    assert "1 without changes." in text
    assert "<summary>Show the plan of a</summary>" in text
    assert "plan of b" not in text
    assert "plan of b" in markdown(SOME, PlanOptions(show_unchanged=True))
    assert "<details>" not in markdown(SOME, PlanOptions(summary=True))


@pytest.mark.parametrize(("count", "size"), [(3, 30_000), (400, 50), (2000, 5)])
def test_a_comment_is_never_too_long(count: int, size: int) -> None:
    text = markdown(ManyPlans(tuple(stack(f"s{n}", *[Action.CREATE] * 5, size=size) for n in range(count))))
    assert len(text) < LIMIT
    assert text.count("<details>") == text.count("</details>")
    if left := count - text.count("<details>"):
        assert f"{left} plans omitted (comment too long)" in text
