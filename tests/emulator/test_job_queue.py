"""The queue of jobs and the capacity that they share, without a server around them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.services.jobs.capacity import Capacity
from phift.emulator.services.jobs.commandjob import CommandRunner
from phift.emulator.services.jobs.record import Status, find_job, find_run
from phift.emulator.services.jobs.submit import submit_job
from phift.emulator.services.jobs.works import Command, Training, work_of
from tests.emulator.test_operations import served_home

API = "2024-01-01-preview"


def command(**more: Any) -> dict[str, Any]:
    return {
        "properties": {
            "jobType": "Command",
            "command": "true",
            "environmentId": "azureml:AzureML-sklearn-1.5:1",
            **more,
        }
    }


def test_a_job_is_submitted_without_a_request_and_a_defect_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would be started again and again otherwise: what has not ended waits for its turn."""
    starts = []

    async def break_down(runner: CommandRunner) -> None:
        starts.append(runner)
        raise RuntimeError("a bug")

    async def story() -> None:
        emulator = served_home(tmp_path / "home")
        monkeypatch.setattr(emulator.tracking, "ensure", lambda: asyncio.sleep(0))
        await emulator.start()
        job = submit_job(emulator, "broken", command(), API)
        assert find_job(emulator.store, "broken") == job
        async with asyncio.timeout(10):
            await emulator.jobs.ended("broken")
        await asyncio.sleep(0.2)
        run = find_run(emulator.store, "broken")
        assert run is not None
        assert (run.status, run.error) == (Status.FAILED, "the emulator failed: RuntimeError: a bug")
        assert emulator.jobs.busy is False
        await emulator.cloud.stop()

    monkeypatch.setattr(CommandRunner, "run", break_down)
    with caplog.at_level(logging.CRITICAL):
        asyncio.run(story())
    assert len(starts) == 1


def test_capacity_counts_commands_trainings_and_nodes(tmp_path: Path) -> None:
    async def story() -> None:
        emulator = served_home(tmp_path / "home")
        capacity = Capacity(emulator.store, emulator.quota)
        first, second = Command(node="", command="a"), Command(node="", command="a")
        holds = [capacity.take(first) for _ in range(capacity.cores)]
        assert (
            capacity.lacks(second, "j")
            == f"{capacity.cores} commands run on the {capacity.cores} cores of this machine"
        )
        holds[0].release()
        holds[0].release()
        assert capacity.lacks(second, "j") == ""
        training = Training(node="t", parameters={}, given=[])
        hold = capacity.train("one")
        assert (capacity.lacks(training, "one"), capacity.lacks(training, "two")) == (
            "",
            "another job trains on this machine",
        )
        hold.release()
        assert capacity.lacks(training, "two") == ""
        assert "does not exist" in capacity.lacks(Command(node="", command="a", compute="none"), "j")
        emulator.cloud.close()

    asyncio.run(story())


def test_works_of_an_earlier_release_are_trainings() -> None:
    """Release 0.2.0 stored them without a kind, and inputs without a mode."""
    stored = {
        "node": "trainer",
        "component": "chat_completion_pipeline",
        "version": "1",
        "parameters": {"seed": 1},
        "given": ["seed"],
        "inputs": {"train_file_path": ["azureml://x", "uri_file"]},
        "outputs": [{"component_name": "mlflow_model_folder", "job_name": "trained_model", "uri": ""}],
        "compute": "",
        "nodes": 1,
        "after": [],
    }
    work = work_of(stored)
    assert isinstance(work, Training)
    assert work.kept[0].job_name == "trained_model"
    assert work_of(work.document) == work
