"""The process that keeps its libraries for the next job: how it is shared, how its steps end, and what ends with it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phift.catalog import component
from phift.emulator.runtime.child import spawn_child
from phift.emulator.runtime.training.events import EventReader, StepEnded
from phift.emulator.runtime.training.worker import TRAINING, JobFile
from phift.emulator.runtime.training.workers import ENVIRONMENT, Workers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every job has a process of its own")

SECONDS = 60


def job_folder(path, *, blocks=False):
    """A job that fails its validation for want of data, or never comes to the end of it."""
    path.mkdir(parents=True)
    inputs = {"mlflow_model_path": str(path)}
    if blocks:
        os.mkfifo(path / "rows.jsonl")
        (path / "MLTable").write_text("paths: [{file: ./rows.jsonl}]")
        inputs["train_mltable_path"] = str(path)
    JobFile(
        "a-job", "chat_completion_pipeline", component("chat_completion_pipeline").interface.defaults(), inputs
    ).write(path)
    return path


def errors(folder):
    return [event.error for event in EventReader(folder / "events.jsonl").read() if isinstance(event, StepEnded)]


def processes(home):
    """{process id: that of its parent} of all training processes of a home, forks included."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,ppid,stat,args"], capture_output=True, text=True, check=True
    ).stdout
    found = [line.split(None, 3) for line in listed.splitlines() if "training.warm" in line and str(home) in line]
    return {int(pid): int(parent) for pid, parent, state, _ in found if not state.startswith("Z")}


async def until(condition):
    deadline = time.monotonic() + SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return found


async def parent_and_step(home):
    """Of a job that runs: the process that forks, and its fork."""
    found = await until(lambda: len(now := processes(home)) == 2 and now)
    [step] = [pid for pid, parent in found.items() if parent in found]
    return found[step], step


def run(scenario, home, **options):
    async def main():
        workers = Workers(home, **options)
        try:
            async with asyncio.timeout(2 * SECONDS):
                await scenario(workers)
        finally:
            await workers.stop()
        await until(lambda: not processes(home))

    asyncio.run(main())


def test_jobs_run_one_after_the_other_in_forks_of_one_process(tmp_path):
    async def scenario(workers):
        seen = set()
        for name in ("one", "two"):
            work = await workers.start(TRAINING, job_folder(tmp_path / name), {"HF_HUB_OFFLINE": "1"})
            assert await work.wait() == 1
            assert not work.running
            work.kill()  # harmless
            seen |= set(processes(tmp_path))
        assert len(seen) == 1
        for name in ("one", "two"):
            assert errors(tmp_path / name) == ["no training data: give train_file_path or train_mltable_path"]
            assert (tmp_path / name / "worker.log").read_text() == ""

    run(scenario, tmp_path)


def test_another_environment_takes_another_process(tmp_path):
    async def scenario(workers):
        pids = []
        for name, environment in (("one", {"HF_HUB_OFFLINE": "1"}), ("two", {})):
            work = await workers.start(TRAINING, job_folder(tmp_path / name), environment)
            await work.wait()
            await until(lambda: len(processes(tmp_path)) == 1)
            pids += processes(tmp_path)
        assert pids[0] != pids[1]

    run(scenario, tmp_path)


def test_jobs_at_the_same_time_have_a_process_each_and_one_is_kept(tmp_path):
    async def scenario(workers):
        held = await workers.start(TRAINING, job_folder(tmp_path / "held", blocks=True), {})
        parent, _ = await parent_and_step(tmp_path)
        quick = await workers.start(TRAINING, job_folder(tmp_path / "quick"), {})
        assert await quick.wait() == 1
        (tmp_path / "held" / "rows.jsonl").write_text("{}\n")
        assert await held.wait() == 1
        await until(lambda: list(processes(tmp_path)) == [parent])

    run(scenario, tmp_path)


def test_it_ends_when_no_job_comes(tmp_path):
    async def scenario(workers):
        work = await workers.start(TRAINING, job_folder(tmp_path / "one"), {})
        await work.wait()
        await until(lambda: not processes(tmp_path))
        again = await workers.start(TRAINING, job_folder(tmp_path / "two"), {})
        assert await again.wait() == 1

    run(scenario, tmp_path, idle_seconds=0.3)


def test_a_killed_job_leaves_nothing(tmp_path):
    async def scenario(workers):
        work = await workers.start(TRAINING, job_folder(tmp_path / "one", blocks=True), {})
        await parent_and_step(tmp_path)
        work.kill()
        assert await work.wait() == -signal.SIGKILL
        await until(lambda: not processes(tmp_path))
        again = await workers.start(TRAINING, job_folder(tmp_path / "two"), {})
        assert await again.wait() == 1

    run(scenario, tmp_path)


def test_a_step_that_is_killed_is_the_end_of_its_job_alone(tmp_path):
    async def scenario(workers):
        work = await workers.start(TRAINING, job_folder(tmp_path / "one", blocks=True), {})
        parent, step = await parent_and_step(tmp_path)
        os.kill(step, signal.SIGKILL)
        assert await work.wait() == -signal.SIGKILL
        again = await workers.start(TRAINING, job_folder(tmp_path / "two"), {})
        assert await again.wait() == 1
        assert list(processes(tmp_path)) == [parent]

    run(scenario, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_when_the_parent_crashes_the_job_has_ended_so_and_the_next_one_runs(tmp_path, number):
    async def scenario(workers):
        work = await workers.start(TRAINING, job_folder(tmp_path / "one", blocks=True), {})
        parent, _ = await parent_and_step(tmp_path)
        os.kill(parent, number)
        assert await work.wait() == -number
        await until(lambda: not processes(tmp_path))
        again = await workers.start(TRAINING, job_folder(tmp_path / "two"), {})
        assert await again.wait() == 1

    run(scenario, tmp_path)


def test_a_parent_that_died_idle_is_replaced(tmp_path):
    async def scenario(workers):
        work = await workers.start(TRAINING, job_folder(tmp_path / "one"), {})
        await work.wait()
        [parent] = processes(tmp_path)
        os.kill(parent, signal.SIGKILL)
        await until(lambda: not processes(tmp_path))
        again = await workers.start(TRAINING, job_folder(tmp_path / "two"), {})
        assert await again.wait() == 1

    run(scenario, tmp_path)


def test_neither_outlives_the_emulator(tmp_path):
    folder = job_folder(tmp_path / "one", blocks=True)
    emulator = f"""
import asyncio, sys
from pathlib import Path
from phift.emulator.runtime.training.workers import Workers
async def main():
    work = await Workers(Path({str(tmp_path)!r})).start({TRAINING!r}, Path({str(folder)!r}), {{}})
    await work.wait()
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", emulator])
    try:
        asyncio.run(parent_and_step(tmp_path))
    finally:
        process.kill()
        process.wait()
    asyncio.run(until(lambda: not processes(tmp_path)))


def test_steps_keep_the_umask_and_lead_their_own_group(tmp_path):
    async def scenario(workers):
        work = await workers.start(TRAINING, job_folder(tmp_path / "one", blocks=True), {"PHIFT_OF_A_JOB": "yes"})
        parent, step = await parent_and_step(tmp_path)
        assert os.getpgid(parent) == parent
        await until(lambda: os.getpgid(step) == step)
        for pid in (parent, step):
            assert "PHIFT_OF_A_JOB=yes" in Path(f"/proc/{pid}/environ").read_text()
            assert "\nUmask:\t0077\n" in Path(f"/proc/{pid}/status").read_text()
        work.kill()

    before = os.umask(0o077)
    try:
        run(scenario, tmp_path)
    finally:
        os.umask(before)


@pytest.mark.slow
def test_nothing_that_is_imported_before_a_fork_starts_a_thread():
    script = """
import json, os, sys
from pathlib import Path
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.runtime.training.steps.libraries import imports_of
from phift.emulator.runtime.training.worker import quiet, without_unused_libraries
quiet(); without_unused_libraries()
for steps in PIPELINES.values():
    for _, module in steps:
        for part in imports_of(module):
            part()
threads = [Path(f"/proc/self/task/{each}/comm").read_text() for each in os.listdir("/proc/self/task")]
print(json.dumps({"threads": threads, "torch": "torch" in sys.modules}))
"""
    command, environment = [sys.executable, "-c", script], {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=environment)
    assert json.loads(done.stdout) == {"threads": ["python\n"], "torch": True}


def test_a_child_imports_nothing_from_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "this.py").write_text("print('a module of a stranger')", encoding="utf-8")

    async def run():
        child = await spawn_child("this", log=tmp_path / "log")
        await asyncio.wait_for(child.wait(), SECONDS)

    asyncio.run(run())
    assert "The Zen of Python" in (tmp_path / "log").read_text(encoding="utf-8")
