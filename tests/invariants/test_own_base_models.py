"""Base models that are not registered: one of the hub by its id, and a folder of weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hub import Hub
from hubcase import clear
from support import Project
from worlds import World, changes

from phift.emulator.runtime.foundation import WEIGHTS
from phift.errors import InvalidSpecError, RefusedError
from phift.phases import Request

ID = "microsoft/Phi-3-mini-4k-instruct"


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return World(tmp_path)


def spec(world: World, base_model: Any) -> Request:
    return world.write("a.yaml", "own", base_model=base_model, endpoint=None, deployment=None)


def inputs(world: World) -> dict[str, Any]:
    """The inputs of the node of the newest job."""
    jobs = [world.memory.documents[path] for path in world.memory.documents if "/jobs/" in path]
    (node,) = jobs[-1]["properties"]["jobs"].values()
    found: dict[str, Any] = node["inputs"]
    return found


# a folder


@pytest.mark.parametrize(
    ("marker", "name", "type"),
    [("", "pytorch_model_path", "custom_model"), ("MLmodel", "mlflow_model_path", "mlflow_model")],
)
def test_a_folder_is_uploaded_by_its_content(world: World, marker: str, name: str, type: str) -> None:
    if marker:
        (world.folder / "weights" / marker).write_text("flavors: {}")
    world.apply(spec(world, {"path": "weights"}))
    given = inputs(world)[name]
    assert given["job_input_type"] == type
    place = given["uri"].removeprefix("azureml://datastores/workspaceblobstore/paths/")
    assert place.startswith("phift/models/")
    stored = {blob.removeprefix(place) for blob in world.memory.blobs.list(place)}
    assert stored == {"config.json", "model.safetensors", *([marker] if marker else [])}
    assert "huggingface_id" not in inputs(world)
    assert not world.plan(spec(world, {"path": "weights"})).changes_something


def test_the_content_retrains_and_the_place_does_not(world: World) -> None:
    world.apply(spec(world, {"path": "weights"}))
    (world.folder / "weights").rename(world.folder / "moved")
    (world.folder / "moved" / ".cache").mkdir()
    assert not world.plan(spec(world, {"path": "./moved/"})).changes_something
    (world.folder / "moved" / "model.safetensors").write_bytes(b"other")
    plan = world.plan(spec(world, {"path": "moved"}))
    job = next(r for r in plan.resources if str(r.address) == "job.finetune")
    assert [(c.path, job.action.value) for c in job.changes] == [("base_model", "run")]


def test_without_the_folder_the_lock_file_counts_unless_the_job_runs(world: World) -> None:
    request = spec(world, {"path": "weights"})
    world.apply(request)
    shutil.rmtree(world.folder / "weights")
    assert not world.plan(request).changes_something
    text = request.path.read_text().replace("0.001", "0.002")
    request.path.write_text(text)
    with pytest.raises(RefusedError) as caught:
        world.plan(request)
    assert "weights-folder" in [d.code for d in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"path": "none"}, "no such folder"),
        ({"path": "empty"}, "does not contain a file"),
        ({"path": "text"}, "config.json is missing"),
        ({"path": "text", "type": "mlflow_model"}, "MLmodel is missing"),
        ({"path": "linked"}, "is a link to a file outside the folder"),
        ({"path": "https://example.org/x"}, "is an address"),
        ({"path": "weights", "type": "triton_model"}, "unknown type"),
        ({"huggingface_id": "Phi-4"}, "is not the id of a model on the hub"),
        ({"huggingface_id": "a/b", "path": "x"}, "cannot be combined"),
    ],
)
def test_what_is_not_a_base_model(world: World, given: dict[str, str], says: str) -> None:
    for name in ("empty", "text", "linked"):
        (world.folder / name).mkdir()
    (world.folder / "text" / "model.safetensors").write_bytes(b"x")
    (world.folder / "linked" / "config.json").symlink_to(world.folder / "weights" / "config.json")
    with pytest.raises(InvalidSpecError) as caught:
        world.plan(spec(world, given))
    assert says in caught.value.summary
    assert world.names("computes") == []


# a model of the hub


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    clear(monkeypatch, tmp_path / "hf-home")
    with Hub(tmp_path / "blobs") as hub:
        hub.commit(ID, {"config.json": b"{}"})
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def test_a_model_of_the_hub_is_pinned_at_its_commit(world: World, hub: Hub) -> None:
    request = spec(world, {"huggingface_id": ID})
    plan = world.plan(request)
    assert any("downloads what is current" in note for note in plan.notes)
    world.apply(request, plan)
    assert inputs(world)["huggingface_id"]["value"] == ID
    assert "mlflow_model_path" not in inputs(world)
    lock = (world.folder / "phift.lock").read_text()
    assert f"requested: huggingface:{ID}" in lock
    asked = len(hub.requests())
    assert not world.plan(request).changes_something
    assert len(hub.requests()) == asked, "a pinned model is not looked up again"


def test_a_newer_commit_is_a_warning_for_a_job_that_will_run(world: World, hub: Hub) -> None:
    request = spec(world, {"huggingface_id": ID})
    world.apply(request)
    hub.commit(ID, {"config.json": b'{"new": true}'})
    assert [w.code for w in world.plan(request).warnings if w.code == "hub-model-moved"] == []
    request.path.write_text(request.path.read_text().replace("0.001", "0.002"))
    assert "hub-model-moved" in [w.code for w in world.plan(request).warnings]
    assert changes(world.plan(request, upgrade=True))["job.finetune"] == "run"
    assert "hub-model-moved" not in [w.code for w in world.plan(request).warnings]


# on the emulator


def test_the_emulator_trains_from_a_folder(project: Project) -> None:
    shutil.copytree(WEIGHTS, project.folder / "weights")
    line = "base_model: azureml://registries/azureml/models/Phi-3-mini-4k-instruct/labels/latest"
    project.edit(line, "base_model: {path: weights}")
    project.applied()
    assert not project.plan().changes_something
