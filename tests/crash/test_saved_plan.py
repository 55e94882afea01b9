"""A saved plan applied, cut off, and applied again from the same file; refused when something else has moved."""

import signal
import time

import pytest
from support import Project

PATIENCE = 180.0


def signalled_during_training(project: Project, number: signal.Signals) -> int:
    """Applies plan.json, sends the signal when the job runs, and gives the exit code."""
    process = project.start("apply", "plan.json")
    try:
        deadline = time.monotonic() + PATIENCE
        while not any(job["properties"]["status"] == "Running" for job in project.jobs()):
            assert process.poll() is None
            assert time.monotonic() < deadline, "no job ran"
            time.sleep(0.1)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
        return process.returncode
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=PATIENCE)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 8)])
def test_cut_off_during_training_then_the_same_file_again(project: Project, number: signal.Signals, code: int) -> None:
    project.tag(rehearsal__until=str(project.folder / "release"))
    assert project.run("plan", "spec.yaml", "--out", "plan.json").returncode == 0
    try:
        assert signalled_during_training(project, number) == code
    finally:
        (project.folder / "release").touch()  # other jobs wait for this one
    again = project.run("apply", "plan.json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "already applied by an earlier run of this plan" in again.stderr
    assert len(project.jobs()) == 1
    assert project.models() == ["1"]
    assert not project.plan().changes_something


def test_a_spec_that_moved_makes_it_stale_and_nothing_is_written(project: Project) -> None:
    assert project.run("plan", "spec.yaml", "--out", "plan.json").returncode == 0
    project.edit("learning_rate: 0.008", "learning_rate: 0.004")
    refused = project.run("apply", "plan.json")
    assert refused.returncode == 5
    assert "the spec or its data changed since" in refused.stderr
    assert project.jobs() == []
    assert project.run("show", "plan.json", "--format", "json").returncode == 0
