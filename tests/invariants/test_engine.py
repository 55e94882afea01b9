"""What holds for every stack at any time, on a small one: nothing is done twice, and everything comes back."""

from __future__ import annotations

import time

import pytest
from support import Project, actions, row

from phift.apply.events import LeaseEvent, Note, ResourceFailed, ResourceSkipped
from phift.errors import JobFailedError, RefusedError, StalePlanError
from phift.plan.action import Action
from phift.plan.model import Plan
from phift.state.ownership import OWNER, STACK


def changed(plan: Plan) -> dict[str, str]:
    """What is planned where something is."""
    return {str(r.address): r.action.value for r in plan.resources if r.action.changes_something}


def test_an_edit_trains_again_and_its_revert_finds_the_first_training(project: Project) -> None:
    project.applied()
    project.edit("learning_rate: 0.008", "learning_rate: 0.004")
    plan = project.plan()
    assert changed(plan) == {"job.finetune": "run", "model.finetuned": "create"}
    job = next(r for r in plan.resources if r.address.kind == "job")
    assert [(c.path, c.live, c.wanted, c.action.force) for c in job.changes] == [
        ("learning_rate", 0.008, 0.004, "forces retraining")
    ]
    assert next(r for r in plan.resources if r.address.kind == "model").identity.endswith(
        "(version known after apply; expected 2)"
    )
    project.applied()
    assert project.models() == ["1", "2"]

    project.edit("learning_rate: 0.004", "learning_rate: 0.008")
    reverted = project.plan()
    assert not reverted.changes_something
    assert actions(reverted)["model.finetuned"] == "reuse"
    assert f"{project.stack}:1" in [r.identity for r in reverted.resources]
    assert len(project.jobs()) == 2


def test_other_spellings_change_nothing(project: Project) -> None:
    project.edit("learning_rate: 0.008", "learning_rate: 8.0e-3")
    project.applied()
    for old, new in (
        ("learning_rate: 8.0e-3", "learning_rate: 0.0080"),
        ("apply_deepspeed: false", "apply_deepspeed: false\n    lora_dropout: 0.0"),
        ("size: Standard_NC24ads_A100_v4", "size: STANDARD_nc24ADS_a100_V4"),
        ("max_steps: 3", "max_steps: 3\n    logging_steps: 7"),
        ("labels/latest\ndata", "labels/latest\n# a comment\ndata"),
    ):
        project.edit(old, new)
        plan = project.plan()
        assert not plan.changes_something, (new, changed(plan))


def test_a_tag_updates_in_place_what_can_be_tagged(project: Project) -> None:
    project.applied()
    project.edit("    min_instances: 0", "    tags: {team: a}\n    min_instances: 0")
    plan = project.plan()
    assert changed(plan) == {"compute.finetune": "update"}
    assert [(c.path, c.wanted) for c in plan.resources[0].visible_changes] == [("tags.team", "a")]
    assert str(plan.counts) == "Plan: 0 to add, 1 to change, 0 to destroy."
    project.applied()
    assert not project.plan().changes_something

    project.edit("    tags: {team: a}\n", "")
    removed = project.plan()
    assert [(c.path, c.wanted, c.live) for c in removed.resources[0].visible_changes] == [("tags.team", None, "a")]
    project.applied()
    assert not project.plan().changes_something


def test_a_tag_of_the_stack_never_trains(project: Project) -> None:
    project.applied()
    project.tag(owner="b")
    plan = project.plan()
    assert set(changed(plan).values()) == {"update"}
    assert "job.finetune" not in changed(plan)
    project.applied()
    assert not project.plan().changes_something
    assert project.models() == ["1"]


def test_serving_like_fields_of_the_cluster_never_train(project: Project) -> None:
    project.applied()
    project.edit("max_instances: 1", "max_instances: 2")
    project.edit("idle_time_before_scale_down: 120", "idle_time_before_scale_down: 300")
    assert changed(project.plan()) == {"compute.finetune": "update"}
    project.applied()
    assert not project.plan().changes_something


def test_another_size_replaces_the_cluster_and_trains_only_where_the_gpus_differ(project: Project) -> None:
    project.applied()
    project.edit("size: Standard_NC24ads_A100_v4", "size: Standard_NC48ads_A100_v4")
    plan = project.plan()
    assert changed(plan) == {"compute.finetune": "replace", "job.finetune": "run", "model.finetuned": "create"}
    compute, job = plan.resources[0], next(r for r in plan.resources if r.address.kind == "job")
    assert [c.action.force for c in compute.visible_changes] == ["forces replacement"]
    assert [(c.path, c.live, c.wanted) for c in job.changes] == [("gpus", 1, 2)]
    result = project.applied()
    assert (result.added, result.destroyed) == (3, 1)
    assert not project.plan().changes_something


def test_other_rows_make_another_version_and_train(project: Project) -> None:
    project.applied()
    data = project.folder / "train.jsonl"
    data.write_text(data.read_text() + row("one more?", "yes", 9) + "\n")
    plan = project.plan()
    assert changed(plan) == {"data.train": "create", "job.finetune": "run", "model.finetuned": "create"}
    job = next(r for r in plan.resources if r.address.kind == "job")
    assert [c.path for c in job.changes] == ["data.train"]
    project.applied()
    assert not project.plan().changes_something


def test_what_someone_else_changed_is_told_and_mended(project: Project) -> None:
    project.applied()
    azure = project.embedded.azure()
    path = f"{azure.workspace.arm_id}/computes/{project.stack}-gpu"
    body = azure.arm.get(path, "2024-10-01")
    body["properties"]["properties"]["scaleSettings"]["maxNodeCount"] = 4
    kept = {k: body[k] for k in ("location", "tags", "properties")}
    azure.arm.put(path, "2024-10-01", kept)
    for _ in range(200):
        if azure.arm.get(path, "2024-10-01")["properties"]["provisioningState"] == "Succeeded":
            break
        time.sleep(0.02)
    change = project.plan().resources[0].visible_changes
    assert [(c.path, c.wanted, c.live, c.by) for c in change] == [("max_instances", 1, 4, "outside")]
    project.applied()
    assert not project.plan().changes_something


def test_a_failed_job_is_told_with_its_step_and_not_repeated(project: Project) -> None:
    project.tag(rehearsal__fail="chat_completion_finetune: out of luck")
    result = project.apply()
    assert result.exit_code == 1
    failed = next(e for e in project.events if isinstance(e, ResourceFailed))
    assert isinstance(failed.error, JobFailedError)
    assert failed.error.step == "chat_completion_finetune"
    assert "out of luck" in failed.error.detail
    assert "error: out of luck" in failed.error.log
    assert [str(e.address) for e in project.events if isinstance(e, ResourceSkipped)] == ["model.finetuned"]
    assert project.models() == []

    with pytest.raises(RefusedError, match="ended in state Failed") as refused:
        project.plan()
    assert [d.code for d in refused.value.diagnostics if d.code == "job-failed"] == ["job-failed"]
    assert len(project.jobs()) == 1

    project.edit(', rehearsal.fail: "chat_completion_finetune: out of luck"', "")
    again = project.plan(retry_failed=True)
    assert changed(again)["job.finetune"] == "run"
    project.applied(retry_failed=True)
    assert sorted(job["name"][-3:] for job in project.jobs())[0] == "-r2"
    assert not project.plan().changes_something


def test_retries_of_the_spec_outlast_the_infrastructure(project: Project) -> None:
    """Within one apply, and taken up by the next where one ended."""
    project.tag(rehearsal__fail="chat_completion_finetune: PreemptionError: nodes lost", rehearsal__fail_attempts="3")
    assert project.apply().exit_code == 1
    with pytest.raises(RefusedError, match="ended in state Failed"):
        project.plan()
    project.edit("finetune:\n  component", "finetune:\n  retries: 1\n  component")
    plan = project.plan()
    assert [r.reason for r in plan.resources if r.address.kind == "job"] == [
        "attempt 1 ended in state Failed: its nodes were pre-empted"
    ]
    assert project.apply().exit_code == 1
    with pytest.raises(RefusedError, match="ended in state Failed"):
        project.plan()
    project.edit("retries: 1", "retries: 3")
    project.events.clear()
    project.applied()
    notes = [e.text for e in project.events if isinstance(e, Note)]
    assert notes == ["job.finetune: attempt 3 failed: its nodes were pre-empted; retrying"]
    assert sorted(job["name"].rpartition("-")[2] for job in project.jobs())[-3:] == ["r2", "r3", "r4"]
    assert project.models() == ["1"]
    assert not project.plan().changes_something


def test_retries_of_the_spec_are_not_for_failures_of_the_author(project: Project) -> None:
    project.edit("finetune:\n  component", "finetune:\n  retries: 2\n  component")
    project.tag(rehearsal__fail="chat_completion_finetune: out of memory")
    assert project.apply().exit_code == 1
    assert len(project.jobs()) == 1
    with pytest.raises(RefusedError, match="ended in state Failed"):
        project.plan()


def test_a_plan_is_stale_when_what_it_read_has_moved(project: Project) -> None:
    project.applied()
    project.edit("max_instances: 1", "max_instances: 2")
    plan = project.plan()
    project.edit("idle_time_before_scale_down: 120", "idle_time_before_scale_down: 240")
    with pytest.raises(StalePlanError, match="the spec or its data changed"):
        project.apply(plan)
    project.edit("idle_time_before_scale_down: 240", "idle_time_before_scale_down: 120")
    other = Project(project.folder, project.stack, project.embedded, project.spec)
    other.edit("max_instances: 2", "max_instances: 3")
    other.applied()
    other.edit("max_instances: 3", "max_instances: 2")
    result = project.apply(plan)
    assert result.exit_code == StalePlanError.exit_code
    assert not result.changed


def test_a_plan_applied_twice_does_its_work_once(project: Project) -> None:
    plan = project.plan()
    assert project.apply(plan).exit_code == 0
    assert project.apply(plan).exit_code == 0
    assert len(project.jobs()) == 1
    assert project.models() == ["1"]


def test_a_submitted_job_is_adopted(project: Project) -> None:
    project.tag(rehearsal__seconds="1.5")
    detached = project.apply(wait=False)
    assert detached.exit_code == 8
    assert project.models() == []
    plan = project.plan()
    assert changed(plan) == {"job.finetune": "adopt", "model.finetuned": "create"}
    project.applied()
    assert len(project.jobs()) == 1
    assert project.models() == ["1"]


def test_a_wait_that_lasts_too_long_is_no_failure(project: Project) -> None:
    project.tag(rehearsal__seconds="2")
    assert project.apply(timeouts={"job": 0.3}).exit_code == 8
    project.applied()
    assert len(project.jobs()) == 1


def test_the_lease_is_free_while_the_job_is_watched(project: Project) -> None:
    project.tag(rehearsal__seconds="0.5")
    project.applied()
    states = [e.state for e in project.events if isinstance(e, LeaseEvent)]
    assert states == ["acquired", "released", "acquired", "released"]


def test_a_cluster_of_another_is_used_as_it_is_and_survives(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.applied()
    guest = Project.small(tmp_path_factory.mktemp("guest"), f"{project.stack}-b", project.embedded)
    guest.edit(f"{guest.stack}-gpu", f"{project.stack}-gpu")
    plan = guest.plan()
    assert actions(plan)["compute.finetune"] == "no-op"
    assert f"belongs to stack {project.stack}" in plan.resources[0].notes[0]
    guest.applied()
    assert guest.destroy().destroyed == 0
    assert not project.plan().changes_something


def test_a_spec_elsewhere_with_our_name_is_refused(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.applied()
    other = Project.small(tmp_path_factory.mktemp("other"), project.stack, project.embedded)
    other.spec = other.spec.rename(other.folder / "another.yaml")
    with pytest.raises(RefusedError, match="belong to stack") as refused:
        other.plan()
    assert {d.code for d in refused.value.diagnostics} == {"owned-by-another"}
    assert refused.value.diagnostics[0].summary.endswith("of spec.yaml")


def test_copied_marks_make_nothing_ours(project: Project) -> None:
    project.applied()
    azure = project.embedded.azure()
    source = azure.arm.get(f"{azure.workspace.arm_id}/computes/{project.stack}-gpu", "2024-10-01")
    assert source["tags"][STACK] == project.stack
    assert OWNER in source["tags"]
    body = {k: source[k] for k in ("location", "tags", "properties")}
    azure.arm.put(f"{azure.workspace.arm_id}/computes/{project.stack}-copy", "2024-10-01", body)
    project.edit(f"name: {project.stack}-gpu", f"name: {project.stack}-copy")
    plan = project.plan()
    assert actions(plan)["compute.finetune"] == "no-op"
    assert project.destroy().destroyed == 1  # the one it made, which left the spec
    names = {c["name"] for c in azure.arm.list(f"{azure.workspace.arm_id}/computes", "2024-10-01")}
    assert f"{project.stack}-copy" in names
    assert f"{project.stack}-gpu" not in names


def test_archived_things_are_restored_when_wanted_again(project: Project) -> None:
    project.applied()
    assert project.destroy(archive=True).destroyed == 4
    plan = project.plan()
    assert changed(plan) == {
        "compute.finetune": "create",
        "data.train": "update",
        "data.test": "update",
        "model.finetuned": "update",
    }
    project.applied()
    assert project.models() == ["1"]
    assert not project.plan().changes_something


def test_what_is_protected_is_not_destroyed(project: Project) -> None:
    project.edit("    min_instances: 0", "    protect: true\n    min_instances: 0")
    project.applied()
    with pytest.raises(RefusedError, match="is protected"):
        project.destroy()
    project.edit("    protect: true\n", "")
    with pytest.raises(RefusedError, match="is protected"):  # lifting it counts once it has been applied
        project.destroy()
    assert changed(project.plan()) == {"compute.finetune": "update"}
    project.applied()
    assert not project.plan().changes_something
    project.edit(f"model: {{name: {project.stack}}}", f"model: {{name: {project.stack}, protect: true}}")
    assert changed(project.plan()) == {"model.finetuned": "update"}
    project.applied()
    with pytest.raises(RefusedError, match="is protected"):
        project.destroy(archive=True)
    project.edit(", protect: true}", "}")
    project.applied()
    assert not project.plan().changes_something
    assert project.destroy().destroyed == 1


def test_destroy_cancels_a_running_job(project: Project) -> None:
    project.tag(rehearsal__seconds="30")
    assert project.apply(wait=False).exit_code == 8
    project.destroy()
    states = [job["properties"]["status"] for job in project.jobs()]
    assert states in (["Canceled"], ["CancelRequested"])


def test_a_reference_is_read_and_never_written(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    project.applied()
    guest = Project.small(tmp_path_factory.mktemp("guest"), f"{project.stack}-b", project.embedded)
    text = guest.spec.read_text()
    block = text[text.index("  finetune:\n    name:") : text.index("finetune:\n  component")]
    guest.edit(block, f"  finetune: azureml:{project.stack}-gpu\n")
    plan = guest.plan()
    assert actions(plan)["compute.finetune"] in {"no-op", "read"}
    guest.applied()
    assert guest.destroy().destroyed == 0
    assert Action("no-op").changes_something is False
