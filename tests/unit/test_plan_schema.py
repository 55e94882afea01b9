"""docs/plan-json.md and schemas/plan.schema.json say what plans and events really are."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import plans
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import Project
from worlds import World

from phift import phases
from phift.address import Address
from phift.apply.events import (
    ApplyFinished,
    LeaseEvent,
    Note,
    ResourceDone,
    ResourceFailed,
    ResourceProgress,
    ResourceSkipped,
    ResourceStarted,
)
from phift.cli import planfile
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.errors import JobFailedError, ServerError
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.cost import Cost, CostLine, Price, Range
from phift.plan.model import Decided, FieldChange, Plan, PlannedResource
from phift.views import json as json_view
from phift.views.base import Streams
from phift.views.ndjson import JsonApply

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
DOCS = (ROOT / "docs" / "plan-json.md").read_text(encoding="utf-8")
EVENTS = jsonschema.Draft202012Validator(
    json.loads((ROOT / "schemas" / "events.schema.json").read_text(encoding="utf-8"))
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
COMPUTE, JOB = Address("compute", "finetune"), Address("job", "finetune")
EVERYTHING = plans.plan(
    resources=(
        PlannedResource(
            COMPUTE,
            Action.UPDATE,
            "gpu",
            changes=(
                FieldChange("size", "a", "b", ChangeAction.UPDATE, by=ChangedBy.OUTSIDE, sensitive=True, applied="a"),
            ),
            depends_on=(JOB,),
            decided=Decided(attempt=2, split={"d-1": 100}, take_over=True, endpoint="e", tokens=5),
            protect=True,
        ),
    ),
    warnings=(Diagnostic("odd", Severity.WARNING, mark=Mark("s.yaml", 3, 1), code="c"),),
    notes=("n",),
    lock={"base_model": {"version": "16"}},
    env_names=("HOME",),
    cost=Cost(
        "eastus",
        (
            CostLine(JOB, "run", "a", 1, Price(3.5, "workspace", "2026-03-01"), hours=Range(1, 2, 3), basis="b"),
            CostLine(JOB, "run", "", 1, Price()),
            CostLine(Address("deployment", "main"), "always_on", "a", 2, Price(), now=1, most=4),
        ),
        ("n",),
    ),
)


def wrong(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(document)]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of the schema that lists properties."""
    if isinstance(schema, dict):
        if "properties" in schema and "type" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)


def test_it_is_a_schema_that_knows_no_other_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert [o["properties"] for o in objects(SCHEMA) if o.get("additionalProperties") is not False] == []


def test_it_takes_a_plan_and_nothing_with_another_key() -> None:
    data = json.loads(json_view.plan(EVERYTHING))
    assert wrong(data) == []
    assert wrong({**data, "more": 1})
    resource = data["resources"][0]
    assert wrong({**data, "resources": [{**resource, "more": 1}]})
    assert wrong({**data, "resources": [{**resource, "decided": {**resource["decided"], "more": 1}}]})
    assert wrong({**data, "resources": [{**resource, "changes": [{**resource["changes"][0], "more": 1}]}]})
    for key in set(data) - {"request", "cost"}:
        assert wrong({k: v for k, v in data.items() if k != key}), key


@settings(max_examples=40)
@given(st.sampled_from(Action), st.sampled_from(ChangeAction), st.sampled_from(ChangedBy))
def test_it_takes_every_action(action: Action, changed: ChangeAction, by: str) -> None:
    resource = PlannedResource(COMPUTE, action, "gpu", changes=(FieldChange("a", 1, None, changed, by=by),))
    assert wrong(Plan("s", "t", "w", "p", "o", "0", "now", resources=(resource,)).to_dict()) == []


def test_it_takes_real_plans_saved_ones_too(project: Project) -> None:
    planned = project.plan()
    file = project.folder / "plan.json"
    planfile.write(file, planned, project.request)
    assert wrong(json.loads(json_view.plan(planned))) == []
    assert wrong(json.loads(file.read_text())) == []
    assert len(planned.resources) == 5


def test_the_example_is_a_plan() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)
    assert wrong(json.loads(example)) == []
    assert Plan.from_dict(json.loads(example)).counts.change == 1


def test_every_key_is_documented() -> None:
    named = set(re.findall(r"`([a-z_]+)`", DOCS))
    keys = {key for part in objects(SCHEMA) for key in part["properties"]}
    assert keys - named - {"variables", "variable_files", "file", "line", "column"} == set()


def documented_events() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", DOCS.partition("## The events")[2], re.MULTILINE)
    return {kind: set(re.findall(r"`([a-z_]+)`", said)) for kind, said in rows}


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    """One of each event, as the stream tells it."""
    out = io.StringIO()
    view = JsonApply(Streams(out=out, err=io.StringIO()))
    view.planned(EVERYTHING)
    for event in (
        LeaseEvent("acquired"),
        ResourceStarted(JOB, Action.RUN, "s-1"),
        ResourceProgress(JOB, "Running", "step", 1.0, 1, 2, "steps", {"loss": 0.1}),
        ResourceDone(JOB, Action.RUN, "s-1", 2.0, {"name": "s-1"}),
        ResourceFailed(JOB, Action.RUN, JobFailedError("it broke", step="finetune"), 2.0),
        ResourceSkipped(COMPUTE, JOB),
        Note("n"),
    ):
        view(event)
    view.finish(ApplyFinished(EVERYTHING, 1, 0, 0, 2.0, outputs={"job.finetune": {"name": "s-1"}}))
    view.ended(ServerError("down"))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def wrong_events(told: list[dict[str, Any]]) -> list[str]:
    return [f"{line['type']}: {error.message}" for line in told for error in EVENTS.iter_errors(line)]


def test_every_event_is_of_the_schema_and_nothing_with_another_key(lines: list[dict[str, Any]]) -> None:
    jsonschema.Draft202012Validator.check_schema(EVENTS.schema)
    assert wrong_events(lines) == []
    kinds = {branch["properties"]["type"]["const"] for branch in EVENTS.schema["oneOf"]}
    assert kinds == {line["type"] for line in lines}
    for line in lines:
        assert wrong_events([{**line, "more": 1}]), line["type"]
        for key in set(line) - {"elapsed_seconds"}:
            assert list(EVENTS.iter_errors({k: v for k, v in line.items() if k != key})), (line["type"], key)
        for holder in ("hook", "change", "changes"):
            if holder in line:
                assert wrong_events([{**line, holder: {**line[holder], "more": 1}}]), line["type"]


def test_the_events_of_a_real_apply_are_of_the_schema(tmp_path: Path) -> None:
    world = World(tmp_path)
    out = io.StringIO()
    view = JsonApply(Streams(out=out, err=io.StringIO()))
    request = world.write("a.yaml", "shop")
    plan = world.plan(request)
    view.planned(plan)
    view.finish(phases.apply(plan, request, world.memory.connect, listener=view, options=phases.ApplyOptions()))
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert wrong_events(told) == []
    kinds = {line["type"] for line in told}
    assert {"planned_change", "apply_start", "apply_progress", "apply_complete", "lease", "outputs"} <= kinds


def test_every_event_is_documented_with_its_keys(lines: list[dict[str, Any]]) -> None:
    documented = documented_events()
    assert {line["type"] for line in lines} == set(documented)
    assert lines[0]["type"] == "version"
    for line in lines:
        common = {"@level", "@message", "@module", "@timestamp", "type"}
        assert common <= set(line)
        keys = set(line) - common
        for holder in ("hook", "change", "changes"):
            keys |= set(line.get(holder, {}))
        assert keys <= documented[line["type"]], line["type"]
