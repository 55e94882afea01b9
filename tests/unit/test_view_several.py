"""The plans of many stacks as JSON of the published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import jsonschema
from referencing import Registry, Resource

from phift.address import Address
from phift.errors import NotFoundError
from phift.phases import ManyPlans, Request
from phift.phases.results import Planned, Unplanned
from phift.plan.action import Action
from phift.plan.model import Plan, PlannedResource
from phift.views.base import PlanOptions
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
