"""An emulator that is killed while a job runs: no process is left, the job is begun again, and given up in the end."""

import os
import signal
import subprocess
import time

import pytest

from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.test_job_submission import API, data_plane, history, pipeline, put_data, submit, wait


def processes_of(home):
    """Command lines of all processes that name the home."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]


def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def crashed(home, monkeypatch):
    """Start the emulator, submit a job, and kill -9 the emulator while it trains; returns a client of a new one."""
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")

    def crash(job, body=None):
        azure = Azure(lifecycle.ensure(home, idle_seconds=600))
        if body:
            put_data(azure)
            submit(azure, job, body)
        wait(azure, job, wanted={"Running"})
        until(lambda: any("training.rehearsal" in line for line in processes_of(home)))
        os.kill(azure.connection.pid, signal.SIGKILL)
        until(lambda: not processes_of(home))
        return Azure(lifecycle.ensure(home, idle_seconds=600))

    return crash


def test_a_job_is_begun_again_and_nothing_of_the_old_one_is_left(crashed):
    azure = crashed("cut-off", pipeline(tags={"rehearsal.seconds": "3"}))
    document = wait(azure, "cut-off")
    assert document["properties"]["status"] == "Completed"
    log = azure.session.get(history(azure, "cut-off/details")["logFiles"]["logs/azureml/executionlogs.txt"]).text
    assert "started again, attempt 2" in log
    assert "Metrics may be missing" not in log
    run = data_plane(azure, "GET", f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow/runs/get?run_id=cut-off")["run"]
    assert run["info"]["status"] == "FINISHED"
    children = history(azure, "cut-off/children")["value"]
    assert [child["status"] for child in children] == ["Canceled", "Completed"]


@pytest.mark.slow
def test_after_three_attempts_the_job_has_failed(crashed):
    crashed("doomed", pipeline(tags={"rehearsal.seconds": "60"}))
    crashed("doomed")
    azure = crashed("doomed")
    assert azure.call("GET", "jobs/doomed", api=API).json()["properties"]["status"] == "Failed"
    error = history(azure, "doomed")["error"]["error"]
    assert error["message"] == "the emulator stopped 3 times while the job ran"
