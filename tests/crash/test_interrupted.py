"""An apply killed, doubled, interrupted, or left alone by the service: the next one goes on; nothing is done twice."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import Embedded, Project

from phift.emulator.host import lifecycle

PATIENCE = 180.0


def until(what: str, question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(0.1)


def job_runs(project: Project) -> bool:
    return any(job["properties"]["status"] == "Running" for job in project.jobs())


def exists(project: Project, collection: str) -> bool:
    """Return whether the workspace has an object of the stack in a collection of ARM."""
    azure = project.embedded.azure()
    found = azure.arm.list(f"{azure.workspace.arm_id}/{collection}", "2024-10-01")
    return any(each["name"].startswith(project.stack) for each in found)


def says(path: Path, text: str) -> bool:
    return text in path.read_text(encoding="utf-8")


@contextmanager
def started(project: Project, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A phift command that is not left behind."""
    process = project.start(*arguments)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE)


def resumed(project: Project, *arguments: str) -> tuple[int, str]:
    """Run a command that finds the held job running, and let the job end then. Returns its exit code and output."""
    path = project.folder / "resumed.txt"
    words, keywords = project.command(*arguments)
    with path.open("wb") as output, subprocess.Popen(words, stdout=output, stderr=output, **keywords) as process:
        try:
            until("the running job is found", lambda: says(path, "already running") or process.poll() is not None)
            release(project)
            return process.wait(PATIENCE), path.read_text(encoding="utf-8")
        finally:
            process.kill()


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


@pytest.fixture
def held(project: Project) -> Iterator[Project]:
    """Its training ends when `release` is called, or with the test: others wait for it."""
    project.tag(rehearsal__until=str(project.folder / "release"))
    yield project
    release(project)


def release(project: Project) -> None:
    (project.folder / "release").touch()


@pytest.fixture
def slow(project: Project) -> Project:
    """Its training takes a while."""
    project.tag(rehearsal__seconds="2.5")
    return project


def test_killed_during_training_then_applied_again(held: Project) -> None:
    with started(held, "apply", "-y", "spec.yaml") as process:
        until("a running job", lambda: job_runs(held))
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    code, output = resumed(held, "apply", "-y", "spec.yaml")
    assert code == 0, output
    assert len(held.jobs()) == 1
    assert held.models() == ["1"]
    assert "No changes." in held.run("apply", "-y", "spec.yaml").stdout


@pytest.mark.parametrize(
    "moment",
    [pytest.param("computes", marks=pytest.mark.slow), pytest.param("data", marks=pytest.mark.slow), "jobs"],
)
def test_killed_at_a_write_then_applied_again(project: Project, moment: str) -> None:
    """The write has reached the service; the process dies before it knows: its answer is held back until then."""
    embedded, written = project.embedded, f"/{moment}/{project.stack}"
    held_back = {"pattern": f"^PUT .*{written}", "after": True, "delay": PATIENCE}
    embedded.admin("POST", "/faults", held_back)
    try:
        with started(project, "apply", "-y", "spec.yaml") as process:
            until(f"a PUT of {moment}", lambda: exists(project, moment) or process.poll() is not None)
            assert process.poll() is None, process.communicate()[0]
            process.send_signal(signal.SIGKILL)
            process.wait(PATIENCE)
        (fault,) = embedded.admin("GET", "/faults")["value"]
        assert fault["struck"] == 1
    finally:
        embedded.admin("DELETE", "/faults")
    # The lease of the dead apply has to run out, or be waited for; nothing else may stand in the way.
    deadline = time.monotonic() + 90
    while (again := project.run("apply", "-y", "spec.yaml")).returncode == 6:
        assert time.monotonic() < deadline, again.stderr
        assert "lease" in again.stderr.lower()
        time.sleep(2)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(project.jobs()) == 1
    assert project.models() == ["1"]
    assert not project.plan().changes_something


def test_two_applies_at_once(slow: Project) -> None:
    with started(slow, "apply", "-y", "spec.yaml") as one, started(slow, "apply", "-y", "spec.yaml") as two:
        results = [finished(one), finished(two)]
    codes = sorted(code for code, _ in results)
    assert codes in ([0, 0], [0, 6], [0, 5]), results
    for code, output in results:
        assert "Traceback" not in output
        if code == 6:
            assert "lease" in output.lower(), output
            assert str(os.uname().nodename) in output, output
    assert len(slow.jobs()) == 1
    assert slow.models() == ["1"]
    assert not slow.plan().changes_something


def test_an_apply_beside_a_running_one_watches_the_same_job(held: Project) -> None:
    with started(held, "apply", "-y", "spec.yaml") as one:
        until("a running job", lambda: job_runs(held))
        second, said = resumed(held, "apply", "-y", "spec.yaml")
        first, output = finished(one)
    assert "already running" in said
    assert {first, second} <= {0, 5}, (output, said)
    assert 0 in {first, second}
    assert len(held.jobs()) == 1
    assert held.models() == ["1"]
    assert not held.plan().changes_something


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGHUP])
def test_interrupted_while_waiting_detaches(held: Project, number: signal.Signals) -> None:
    with started(held, "apply", "-y", "spec.yaml") as process:
        until("a running job", lambda: job_runs(held))
        process.send_signal(number)
        code, output = finished(process)
    assert code == 8, output
    assert "re-run this command to resume" in output
    assert "Traceback" not in output
    release(held)
    again = held.run("apply", "-y", "spec.yaml")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(held.jobs()) == 1
    assert held.models() == ["1"]


def test_a_closed_terminal_detaches(held: Project) -> None:
    """Its kernel and its shell both send SIGHUP, and nothing can be written to it any more."""
    ours, its = pty.openpty()
    words, keywords = held.command("apply", "-y", "spec.yaml", TERM="xterm")
    streams = {"stdin": its, "stdout": its, "stderr": its, "start_new_session": True}
    process = subprocess.Popen(words, **{**keywords, **streams})
    os.close(its)
    try:
        until("a running job", lambda: job_runs(held))
        process.send_signal(signal.SIGHUP)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) == 8
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)
    release(held)
    again = held.run("apply", "-y", "spec.yaml")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(held.jobs()) == 1
    assert held.models() == ["1"]


def test_no_wait_detaches_and_the_next_apply_goes_on(held: Project) -> None:
    first = held.run("apply", "-y", "--no-wait", "spec.yaml")
    assert first.returncode == 8, first.stderr
    assert held.models() == []
    release(held)
    assert held.run("apply", "-y", "spec.yaml").returncode == 0
    assert held.models() == ["1"]


def test_a_saved_plan_is_resumed(held: Project) -> None:
    assert held.run("plan", "spec.yaml", "--out", "plan.json").returncode == 0
    with started(held, "apply", "plan.json") as process:
        until("a running job", lambda: job_runs(held))
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    release(held)
    again = held.run("apply", "plan.json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(held.jobs()) == 1
    assert held.models() == ["1"]


def test_retry_failed_on_the_command_line(project: Project) -> None:
    project.tag(rehearsal__fail="chat_completion_finetune: out of luck")
    failed = project.run("apply", "-y", "spec.yaml")
    assert failed.returncode == 1
    assert "out of luck" in failed.stderr
    assert "chat_completion_finetune" in failed.stderr
    assert project.run("apply", "-y", "spec.yaml").returncode == 4
    project.edit(', rehearsal.fail: "chat_completion_finetune: out of luck"', "")
    again = project.run("apply", "-y", "--retry-failed", "spec.yaml")
    assert again.returncode == 0, again.stdout + again.stderr
    assert project.models() == ["1"]


def test_the_emulator_is_killed_under_an_apply(own_embedded: Callable[[], Embedded], tmp_path, stack: str) -> None:  # type: ignore[no-untyped-def]
    embedded = own_embedded()
    project = Project.small(tmp_path / "project", stack, embedded)
    project.tag(rehearsal__seconds="6")
    with started(project, "apply", "-y", "spec.yaml") as process:
        until("a running job", lambda: job_runs(project))
        os.kill(embedded.connection.pid, signal.SIGKILL)
        code, output = finished(process)
    assert code not in (0, 2), output
    assert "Traceback" not in output
    assert "error: cannot connect to the emulator" in output
    assert output.count("error:") == 1, output
    project.embedded = own_embedded()
    again = project.run("apply", "-y", "spec.yaml")
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(project.jobs()) == 1
    assert project.models() == ["1"]
    assert lifecycle.find(embedded.home) is not None
