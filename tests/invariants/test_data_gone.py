"""What needs names alone works when the data is gone: destroy, status, outputs, metrics."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hub import Hub
from hubdata import CHAT
from support import Project, actions
from worlds import World

from phift import phases
from phift.apply.events import ApplyFinished
from phift.errors import InvalidSpecError
from phift.plan.action import Action
from phift.plan.model import Plan

LOCAL = "  train: {path: train.jsonl}\n  test: {path: test.jsonl}\n"


def destroyed(project: Project, *, archive: bool = False) -> tuple[Plan, ApplyFinished]:
    plan = phases.destroy_plan(project.request, project.embedded.connector, archive=archive)
    done = phases.apply(
        plan, project.request, project.embedded.connector, listener=project.events.append, options=phases.ApplyOptions()
    )
    return plan, done


def test_destroy_after_the_files_were_deleted(project: Project) -> None:
    project.applied()
    (project.folder / "train.jsonl").unlink()
    with pytest.raises(InvalidSpecError, match="no such file"):
        project.plan()
    plan, done = destroyed(project, archive=True)
    assert done.exit_code == 0
    removed = {str(r.address) for r in plan.resources if r.action is Action.DELETE}
    assert removed == {"compute.finetune", "data.train", "data.test", "model.finetuned"}
    (warning,) = plan.warnings
    assert warning.summary.startswith("data.train cannot be identified: no such file")
    assert "Using version" in warning.detail


def test_destroy_cancels_the_training_of_data_that_is_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    request = world.write("spec.yaml", "gone")
    world.apply(request)
    (job,) = world.memory.children[f"{world.memory.workspace.arm_id}/jobs".lower()].values()
    job["properties"]["status"] = "Running"
    (tmp_path / "train.jsonl").unlink()
    plan = phases.destroy_plan(request, world.memory.connect)
    assert actions(plan)["job.finetune"] == "delete"


def test_looking_at_a_stack_whose_data_is_gone(project: Project) -> None:
    project.applied()
    before = phases.status(project.request, project.embedded.connector)
    known = phases.outputs(project.request, project.embedded.connector)
    for name in ("train.jsonl", "test.jsonl"):
        (project.folder / name).unlink()
    after = phases.status(project.request, project.embedded.connector)
    assert after.rows == before.rows
    assert [note.partition(":")[0] for note in after.notes if note.startswith("data.")] == [
        "data.train cannot be identified",
        "data.test cannot be identified",
    ]
    assert phases.outputs(project.request, project.embedded.connector) == known
    assert phases.metrics(project.request, project.embedded.connector).job


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("{asset: azureml:nobodys:7}", "data asset nobodys not found"),
        ("{asset: azureml:nobodys@latest}", "data asset nobodys not found"),
        ("{path: https://example.org/rows.jsonl}", "is not pinned"),
        (f"{{hub: {CHAT}, split: train_sft}}", "phift.lock does not pin"),
    ],
)
def test_destroy_when_the_source_is_out_of_reach(
    project: Project, monkeypatch: pytest.MonkeyPatch, data: str, why: str
) -> None:
    project.applied()
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    project.edit("{path: train.jsonl}", data)
    start = time.monotonic()
    plan, done = destroyed(project)
    assert done.exit_code == 0
    assert why in plan.warnings[0].summary
    assert "compute.finetune" in {str(r.address) for r in plan.resources if r.action is Action.DELETE}
    assert time.monotonic() - start < 20


def test_destroy_asks_the_hub_nothing(project: Project, seed_hub: Hub) -> None:
    project.edit(LOCAL, f"  from: {{hub: {CHAT}}}\n  train: {{split: train_sft}}\n  test: {{split: test_sft}}\n")
    seed_hub.clear()
    plan = phases.destroy_plan(project.request, project.embedded.connector)
    assert seed_hub.requests() == []
    assert {w.code for w in plan.warnings} == {"data-unidentified"}
    assert {w.detail for w in plan.warnings} == {"The workspace does not contain a version that this stack created."}
