"""Comparisons of trainings whose versions, data or inputs are not where they usually are."""

from __future__ import annotations

import pytest
from support import Project, row, writes

from phift import phases
from phift.errors import UsageError


def test_a_training_without_a_version_yet_is_the_last_one(project: Project) -> None:
    project.applied()
    with pytest.raises(UsageError, match="1 version"):
        phases.metrics_comparison(project.request, project.embedded.connector)
    project.edit("learning_rate: 0.008", "learning_rate: 0.004")
    assert project.apply(wait=False).exit_code == 8
    mark = project.embedded.mark()
    found = phases.metrics_comparison(project.request, project.embedded.connector)
    assert (found.before.label, found.after.version) == (f"{project.stack}:1", "")
    assert found.after.job.startswith(f"{project.stack}-")
    assert found.after.inputs["parameters"]["learning_rate"] == 0.004
    difference = phases.version_diff(project.request, project.embedded.connector, "1", found.after.job)
    assert [change.name for change in difference.parameters] == ["learning_rate"]
    assert not writes(project.embedded.since(mark)), "a comparison is read-only"


def test_rows_are_read_from_the_workspace_where_this_machine_has_none(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.applied()
    with (project.folder / "train.jsonl").open("a", encoding="utf-8") as rows:
        rows.write(row("more?", "yes", 9) + "\n")
    project.applied()
    monkeypatch.setenv("PHIFT_HOME", str(project.folder / "another-machine"))
    (change,) = phases.version_diff(project.request, project.embedded.connector).data
    assert change.split == "train"
    assert change.rows is not None
    assert change.rows.difference is not None
    assert (change.rows.difference.added, change.rows.difference.same) == (1, 3)
    (unread,) = phases.version_diff(project.request, project.embedded.connector, rows=False).data
    assert (unread.rows, unread.before, unread.after) == (None, change.before, change.after)


def test_a_version_of_somebody_else_has_no_recorded_inputs(project: Project) -> None:
    project.applied()
    azure = project.embedded.azure()
    path = f"{azure.workspace.arm_id}/models/{project.stack}/versions"
    uri = azure.arm.get(f"{path}/1", "2024-10-01")["properties"]["modelUri"]
    body = {"properties": {"modelType": "mlflow_model", "modelUri": uri}}
    azure.arm.put(f"{path}/2", "2023-08-01-preview", body)
    found = phases.version_diff(project.request, project.embedded.connector)
    assert (found.before.version, found.after.version, found.equal) == ("1", "2", False)
    assert any("phift did not create it" in note for note in found.notes)
    assert any(note.startswith("Metrics are not compared") for note in found.notes)
    assert found.metrics is None
    with pytest.raises(UsageError, match="not found"):
        phases.version_diff(project.request, project.embedded.connector, "3")
