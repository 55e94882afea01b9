"""Time limits of a training, by the service's clock: kept while an apply watches, and by whoever comes next."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support import Embedded, Project

from phift.emulator.host import lifecycle
from phift.kinds.job import run_history

PATIENCE = 120.0


@pytest.fixture(scope="module")
def clocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """An emulator whose clock these tests set; no others use it."""
    home = tmp_path_factory.mktemp("clocked") / "home"
    try:
        yield Embedded.start(home)
    finally:
        lifecycle.stop(home)


@pytest.fixture
def limited(tmp_path: Path, stack: str, clocked: Embedded) -> Iterator[Project]:
    """Its training ends with the test, and may take an hour."""
    project = Project.small(tmp_path / "project", stack, clocked)
    project.tag(rehearsal__until=str(project.folder / "release"))
    project.edit("finetune:\n  component", "finetune:\n  timeout_minutes: 60\n  component")
    yield project
    (project.folder / "release").touch()
    azure = clocked.azure()
    for job in project.jobs():
        azure.arm.post(f"{azure.workspace.arm_id}/jobs/{job['name']}/cancel", "2024-10-01")


def until(what: str, question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(0.1)


def later(embedded: Embedded, minutes: float) -> None:
    azure = embedded.azure()
    azure.document()  # tells the time
    embedded.admin("PUT", "/clock", {"now": (azure.now() + timedelta(minutes=minutes)).isoformat()})


def begun(project: Project) -> int:
    """How many of its jobs have started a step."""
    azure = project.embedded.azure()
    return sum(run_history.has_begun(azure, job["name"]) for job in project.jobs())


def trains(project: Project) -> bool:
    return begun(project) > 0


def states(project: Project) -> list[str]:
    return sorted(job["properties"]["status"] for job in project.jobs())


def test_an_apply_that_watches_cancels_the_job_when_its_time_is_over(limited: Project) -> None:
    process = limited.start("apply", "spec.yaml", "-y")
    try:
        until("the job trains", lambda: trains(limited))
        later(limited.embedded, 61)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 1, output
    assert "error[job-timeout]" in output
    assert states(limited) == ["Canceled"]
    again = limited.run("plan", "spec.yaml")
    assert again.returncode == 4, again.stderr
    assert "error[job-timeout]" in again.stderr
    assert states(limited) == ["Canceled"], "it is not submitted again"
    retried = limited.run("apply", "spec.yaml", "-y", "--no-wait", "--retry-failed")
    assert retried.returncode == 8, retried.stderr
    assert "nobody keeps timeout_minutes: 60" in " ".join((retried.stdout + retried.stderr).split())


def test_a_killed_apply_leaves_the_limit_to_the_next(limited: Project) -> None:
    process = limited.start("apply", "spec.yaml", "-y")
    try:
        until("the job trains", lambda: trains(limited))
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    later(limited.embedded, 55)
    drift = json.loads(limited.run("drift", "spec.yaml", "--format", "json").stdout)
    assert drift["overdue"] == []
    later(limited.embedded, 36)
    drifted = limited.run("drift", "spec.yaml", "--format", "json")
    assert drifted.returncode == 3, drifted.stderr
    (late,) = json.loads(drifted.stdout)["overdue"]
    assert late["reason"].startswith("overdue by 3")
    assert states(limited) == ["Running"], "drift never writes"
    applied = limited.run("apply", "spec.yaml", "-y")
    assert (applied.returncode, states(limited)) == (1, ["Canceled"]), applied.stderr
    assert "error[job-timeout]" in applied.stderr


def test_expire_cancels_the_earlier_jobs_of_a_stack_and_no_others(limited: Project, tmp_path: Path) -> None:
    assert limited.run("apply", "spec.yaml", "-y", "--no-wait").returncode == 8
    until("the first job has the only node", lambda: trains(limited))
    limited.edit("learning_rate: 0.008", "learning_rate: 0.004")
    limited.edit("timeout_minutes: 60", "queue_timeout_minutes: 30")
    assert limited.run("apply", "spec.yaml", "-y", "--no-wait").returncode == 8
    other = Project.small(tmp_path / "other", f"{limited.stack}x", limited.embedded)
    other.edit(f"{other.stack}-gpu", f"{limited.stack}-gpu")
    other.edit("finetune:\n  component", "finetune:\n  queue_timeout_minutes: 30\n  component")
    assert other.run("apply", "spec.yaml", "-y", "--no-wait").returncode == 8
    later(limited.embedded, 90)
    expired = limited.run("expire", "spec.yaml", "-y", "--format", "json")
    assert expired.returncode == 0, expired.stderr
    (found,) = json.loads(expired.stdout)["stacks"]
    assert sorted(one["what"] for one in found["due"]) == ["overdue job", "overdue job"]
    assert "job.finetune" in {one["address"] for one in found["due"]}
    until("both are cancelled", lambda: states(limited) == ["Canceled", "Canceled"])
    assert "Canceled" not in states(other)


def test_a_job_that_waits_too_long_in_the_queue_is_overdue(limited: Project, tmp_path: Path) -> None:
    assert limited.run("apply", "spec.yaml", "-y", "--no-wait").returncode == 8
    until("the first job has the only node", lambda: trains(limited))
    limited.edit("timeout_minutes: 60", "queue_timeout_minutes: 30")
    limited.edit("learning_rate: 0.008", "learning_rate: 0.004")
    assert limited.run("apply", "spec.yaml", "-y", "--no-wait").returncode == 8
    later(limited.embedded, 31)
    status = limited.run("status", "spec.yaml")
    assert "(queue_timeout_minutes: 30)" in status.stdout, status.stdout
    applied = limited.run("apply", "spec.yaml", "-y")
    assert applied.returncode == 1, applied.stdout
    assert "exceeded finetune.queue_timeout_minutes (30)" in applied.stderr
    assert states(limited) == ["Canceled", "Running"]


def test_an_overdue_job_is_billed_by_its_cluster_as_it_is(limited: Project, clocked: Embedded) -> None:
    limited.edit("    min_instances: 0\n", "    min_instances: 0\n    tier: any\n")
    limits = clocked.admin("GET", "/quota")["limits"]
    clocked.admin("PUT", "/quota", {"dedicatedCores": 0})
    try:
        assert limited.run("apply", "spec.yaml", "-y", "--no-wait").returncode == 8
    finally:
        clocked.admin("PUT", "/quota", {"dedicatedCores": limits["dedicatedCores"]})
    until("the job trains", lambda: trains(limited))
    later(clocked, 90)
    (late,) = json.loads(limited.run("drift", "spec.yaml", "--format", "json").stdout)["overdue"]
    assert (late["bills"]["nodes"], late["bills"]["tier"]) == (1, "low_priority")
