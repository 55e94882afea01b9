"""The memory verdict of a training: in its plan, again once the rows are known, and never of one that does not run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import Project, row, writes

from phift.apply.events import Note
from phift.data import measured
from phift.errors import RefusedError
from phift.plan.model import Plan
from phift.workbench.open import open_workbench
from phift.workbench.rows import require_rows

LARGE = ("max_steps: 3", "max_steps: 3\n    per_device_train_batch_size: 200\n    max_seq_length: 4096")


def shown(plan: Plan) -> dict[str, Any] | None:
    """The values of the plan's training."""
    return next((dict(r.details["memory"]) for r in plan.resources if "memory" in r.details), None)


def long_rows(project: Project) -> None:
    # Of each test's own: lengths are remembered by content.
    lines = [row(f"{project.stack} {number}?", "a long answer " * 600) for number in range(4)]
    (project.folder / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_plan_that_trains_has_a_verdict_and_one_that_does_not_reads_no_rows(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = project.plan()
    memory = shown(plan)
    assert memory is not None
    assert memory["verdict"] == "fits"
    job = next(r for r in plan.resources if "memory" in r.details)
    assert any(note.startswith("memory: fits: ") for note in job.notes)
    assert shown(Plan.from_dict(json.loads(json.dumps(plan.to_dict())))) == memory
    project.applied()
    monkeypatch.setattr(measured, "lengths_of", None)  # would fail
    again = project.plan()
    assert not again.changes_something
    assert shown(again) is None


def test_rows_that_cannot_fit_stop_a_plan(project: Project) -> None:
    project.edit(*LARGE)
    long_rows(project)
    with pytest.raises(RefusedError) as refused:
        project.plan()
    (found,) = [d for d in refused.value.diagnostics if d.code == "memory-cannot-fit"]
    assert "per_device_train_batch_size: " in found.remedy
    assert found.address == "job.finetune"
    assert found.mark is not None


def test_rows_whose_lengths_are_known_late_stop_an_apply_before_it_writes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.edit(*LARGE)
    long_rows(project)
    with monkeypatch.context() as patch:  # as for data of the hub, which a plan does not read
        patch.setattr(measured, "lengths_of", lambda recipe: None)
        plan = project.plan()
    memory = shown(plan)
    assert memory is not None
    assert memory["verdict"] == "unknown"
    mark = project.embedded.mark()
    with pytest.raises(RefusedError) as refused:
        project.apply(plan)
    assert [d.code for d in refused.value.diagnostics] == ["memory-cannot-fit"]
    assert writes(project.embedded.since(mark)) == []


def test_a_tight_training_is_a_warning_once(project: Project) -> None:
    project.edit("max_steps: 3", "max_steps: 3\n    precision: '16'\n    apply_lora: false")
    plan = project.plan()
    memory = shown(plan)
    assert memory is not None
    assert memory["verdict"] == "tight"
    assert [w.code for w in plan.warnings if w.code.startswith("memory")] == ["memory-tight"]
    project.apply(plan)
    assert not [event for event in project.events if isinstance(event, Note) and "memory" in event.text]


@pytest.mark.parametrize(
    ("waiver", "rejected"), [("", True), ("waivers: [{check: memory-tight, reason: tried}]\n", False)]
)
def test_a_strict_apply_rejects_what_is_tight_once_the_rows_are_known(
    project: Project, monkeypatch: pytest.MonkeyPatch, waiver: str, rejected: bool
) -> None:
    project.edit("max_steps: 3", "max_steps: 3\n    per_device_train_batch_size: 6\n    max_seq_length: 4096")
    long_rows(project)
    project.spec.write_text(project.spec.read_text(encoding="utf-8") + waiver, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(measured, "lengths_of", lambda recipe: None)
        plan = project.plan()
    bench = open_workbench(project.request, project.embedded.connector, looking=False)
    notes: list[Any] = []
    if rejected:
        with pytest.raises(RefusedError) as refused:
            require_rows(bench, plan.resources, notes.append, strict=True)
        assert [(d.code, d.severity) for d in refused.value.diagnostics] == [("memory-tight", "error")]
        require_rows(bench, plan.resources, notes.append)
        assert [one.text for one in notes if isinstance(one, Note) and "GPU memory" in one.text]
        return
    require_rows(bench, plan.resources, notes.append, strict=True)
    assert [one for one in notes if isinstance(one, Note)] == []
