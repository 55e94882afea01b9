"""Rehearsed jobs: off by default, named in every log, and in nothing else different from a trained one."""

from __future__ import annotations

from pathlib import Path

import pytest

from phift.emulator.runtime import foundation
from phift.emulator.runtime.training import rehearsal
from phift.emulator.runtime.training.events import EventReader, Metrics, StepEnded, StepStarted
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.runtime.training.worker import JobFile

STEPS = [step for step, _ in PIPELINES["chat_completion_pipeline"]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inputs = {"mlflow_model_path": str(foundation.WEIGHTS)}
    JobFile("job-1", "chat_completion_pipeline", {}, inputs, stand_in=True).write(tmp_path)
    return tmp_path


def test_it_is_off_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHIFT_EMULATOR_JOBS", raising=False)
    assert not rehearsal.rehearses()
    assert rehearsal.worker_for({"rehearsal.seconds": "3"}) == ("phift.emulator.runtime.training.worker", {})


def test_switched_on_it_takes_the_jobs_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    module, environment = rehearsal.worker_for({"rehearsal.seconds": "3", "team": "a"})
    assert module == "phift.emulator.runtime.training.rehearsal"
    assert environment == {"PHIFT_REHEARSAL_SECONDS": "3"}


def test_an_unknown_switch_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "yes")
    with pytest.raises(ValueError, match="write train or rehearse"):
        rehearsal.rehearses()


def test_every_step_runs_and_says_what_it_is(folder: Path) -> None:
    assert rehearsal.rehearse(folder)
    events = EventReader(folder / "events.jsonl").read()
    assert [e.step for e in events if isinstance(e, StepStarted)] == STEPS
    assert [(e.step, e.error) for e in events if isinstance(e, StepEnded)] == [(step, "") for step in STEPS]
    for step in STEPS:
        assert rehearsal.LABEL in (folder / "steps" / step / "std_log.txt").read_text()
    evaluations = [e.values["eval_loss"] for e in events if isinstance(e, Metrics) and "eval_loss" in e.values]
    assert evaluations == [3.0, 1.0]


def test_the_base_models_weights_come_out_unchanged(folder: Path) -> None:
    rehearsal.rehearse(folder)
    packed, given = folder / "outputs" / "mlflow_model_folder", foundation.WEIGHTS / "model.safetensors"
    assert (packed / "model" / "model.safetensors").read_bytes() == given.read_bytes()
    assert (folder / "outputs" / "pytorch_model_folder" / "model.safetensors").read_bytes() == given.read_bytes()
    assert "rehearsal: 'true'" in (packed / "MLmodel").read_text()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_is_made_to_fail(folder: Path, step: str) -> None:
    assert not rehearsal.rehearse(folder, fail=f"{step}: out of luck: twice")
    ended = [e for e in EventReader(folder / "events.jsonl").read() if isinstance(e, StepEnded)]
    assert (ended[-1].step, ended[-1].error) == (step, "out of luck: twice")
    assert "error: out of luck: twice" in (folder / "steps" / step / "std_log.txt").read_text()
    assert not (folder / "outputs" / "mlflow_model_folder" / "MLmodel").exists()


def test_a_step_that_does_not_exist_is_told(folder: Path) -> None:
    assert not rehearsal.rehearse(folder, fail="nonsense: x")
    ended = [e for e in EventReader(folder / "events.jsonl").read() if isinstance(e, StepEnded)]
    assert "is not a step of" in ended[-1].error
