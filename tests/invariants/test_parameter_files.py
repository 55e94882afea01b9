"""Inputs of type uri_file: a file next to the spec is uploaded once, and its content is part of the digest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import World, changes

from phift import phases
from phift.errors import InvalidSpecError, RefusedError, StalePlanError
from phift.phases import ApplyOptions, Request
from phift.phases.validate_specs import validate

COMPONENT = "azureml://registries/azureml/components/chat_completion_pipeline/labels/latest"


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "ds.json").write_text(json.dumps({"zero_optimization": {"stage": 2}}))
    return World(tmp_path)


def spec(world: World, **parameters: Any) -> Request:
    given = {"apply_deepspeed": True, **parameters}
    return world.write(
        "a.yaml", "files", finetune={"component": COMPONENT, "parameters": given}, endpoint=None, deployment=None
    )


def the_input(world: World, name: str) -> dict[str, Any]:
    """The input of the only job."""
    (job,) = (world.memory.documents[p] for p in world.memory.documents if "/jobs/" in p)
    (node,) = job["properties"]["jobs"].values()
    found: dict[str, Any] = node["inputs"][name]
    return found


def uploaded(world: World) -> list[str]:
    return list(world.memory.blobs.list("phift/files/"))


def test_the_file_is_uploaded_by_its_content_and_given_to_the_job(world: World) -> None:
    world.apply(spec(world, deepspeed="ds.json"))
    (blob,) = uploaded(world)
    assert blob.endswith("/deepspeed.json")
    assert the_input(world, "deepspeed") == {
        "job_input_type": "uri_file",
        "uri": f"azureml://datastores/workspaceblobstore/paths/{blob}",
    }
    assert world.memory.blobs.get(blob) == (world.folder / "ds.json").read_bytes()
    assert not world.plan(spec(world, deepspeed="ds.json")).changes_something


def test_the_content_retrains_and_the_name_does_not(world: World) -> None:
    world.apply(spec(world, deepspeed="ds.json"))
    (world.folder / "ds.json").rename(world.folder / "moved.json")
    assert not world.plan(spec(world, deepspeed="./moved.json")).changes_something
    (world.folder / "moved.json").write_text(json.dumps({"zero_optimization": {"stage": 3}}))
    plan = world.plan(spec(world, deepspeed="moved.json"))
    assert changes(plan)["job.finetune"] == "run"
    job = next(r for r in plan.resources if str(r.address) == "job.finetune")
    assert [c.path for c in job.changes] == ["deepspeed"]


def test_the_spelling_of_az_ml_is_the_same(world: World) -> None:
    world.apply(spec(world, deepspeed="ds.json"))
    pasted = spec(world, deepspeed={"type": "uri_file", "path": "./ds.json"})
    assert not world.plan(pasted).changes_something


def test_a_file_that_changes_after_the_plan_makes_it_stale(world: World) -> None:
    request = spec(world, deepspeed="ds.json")
    plan = world.plan(request)
    (world.folder / "ds.json").write_text("{}")
    with pytest.raises(StalePlanError):
        phases.apply(plan, request, world.memory.connect, listener=world.events.append, options=ApplyOptions())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("none.json", "no such file"),
        (".", "cannot read ."),
        ("azureml:config:1", "azureml:config:1 is an address"),
        ("https://example.org/ds.json", "is an address"),
        ("text.json", "is not valid JSON"),
        ("list.json", "does not contain a JSON object"),
        ("a\0b", "deepspeed"),
    ],
)
def test_what_is_not_a_file_is_refused_before_anything_is_created(world: World, given: str, says: str) -> None:
    (world.folder / "text.json").write_text("{stage: 2")
    (world.folder / "list.json").write_text("[]")
    with pytest.raises(InvalidSpecError) as caught:
        world.plan(spec(world, deepspeed=given))
    found = caught.value.diagnostics[0]
    if given != "a\0b":
        assert (found.code, found.path) == ("parameter-file", "finetune.parameters.deepspeed")
    assert says in found.summary
    assert found.mark is not None
    assert world.names("computes") == []


def test_a_file_outside_the_data_root_is_not_read(world: World, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "train.jsonl").write_bytes((tmp_path / "train.jsonl").read_bytes())
    (inner / "linked.json").symlink_to(tmp_path / "ds.json")
    within = World(inner, world.memory)
    for path in ("../ds.json", "linked.json", "../none.json"):
        request = replace(spec(within, deepspeed=path), data_root=inner)
        with pytest.raises(InvalidSpecError) as caught:
            within.plan(request)
        assert f"{path} is outside the data root" in caught.value.summary
        assert "no such file" not in caught.value.summary


def test_a_number_is_not_a_file(world: World) -> None:
    with pytest.raises(RefusedError) as caught:
        world.plan(spec(world, deepspeed=7))
    assert "deepspeed must be a file" in caught.value.summary


def test_validate_finds_a_missing_file_offline(world: World) -> None:
    request = spec(world, deepspeed="none.json")
    found = [d for one in validate([request.path]) for d in one.diagnostics]
    assert [d.code for d in found if d.path.startswith("finetune")] == ["parameter-file"]


def test_status_and_destroy_do_not_need_the_file(world: World) -> None:
    request = spec(world, deepspeed="ds.json")
    world.apply(request)
    (world.folder / "ds.json").unlink()
    phases.status(request, world.memory.connect)
    assert phases.destroy_plan(request, world.memory.connect).changes_something
