"""How long the quickstart's training job takes, and what keeping its process and packing its rows save.

    python -m benchmarks.training

The job is the same each time: 300 LoRA steps of the stand-in on the quickstart's data, from validation to the MLflow
model. Processor seconds are those of all its processes.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.results import REPORTED, at_most, report, table
from phift.catalog import component
from phift.emulator.runtime.foundation import WEIGHTS
from phift.emulator.runtime.foundation.facts import conversations, row
from phift.emulator.runtime.training.worker import TRAINING, JobFile
from phift.emulator.runtime.training.workers import ENVIRONMENT, Workers

PARAMETERS = {
    "max_steps": 300,
    "learning_rate": 0.005,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 30,
    "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 64,
    "apply_lora": "true",
    "lora_r": 32,
    "lora_alpha": 64,
}
"""Those of configs/quickstart.yaml."""
_PADDED = f"""
import runpy, sys
from phift.emulator.runtime.training.steps import finetune
finetune.can_pack = lambda *_: False
runpy.run_module({TRAINING!r}, run_name="__main__")
"""
"""The worker, with a line of the batch for each row."""
_TICKS = os.sysconf("SC_CLK_TCK")


def prepare(folder: Path) -> Path:
    """A job's folder."""
    folder.mkdir()
    given = {"mlflow_model_path": str(WEIGHTS)}
    for name, talks in zip(("train", "test"), conversations(), strict=True):
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row(talk)) + "\n" for talk in talks))
        given[f"{name}_file_path"] = str(path)
    known = component("chat_completion_pipeline")
    assert known is not None
    values = {name: known.interface.canonical(name, value) for name, value in PARAMETERS.items()}
    job = JobFile("a-job", known.name, {**known.interface.defaults(), **values}, given, True)
    job.write(folder)
    return folder


def alone(*command: str) -> float:
    """Processor seconds of a job in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, **ENVIRONMENT, "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, *command], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spent(home: Path) -> float:
    """Processor seconds of the home's training process and its steps so far."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if str(home).encode() in words and str(os.getpid()) == fields[1]:
            return sum(map(int, fields[11:15])) / _TICKS
    return 0.0


async def kept(home: Path, folders: list[Path]) -> list[tuple[float, float]]:
    """(processor seconds, seconds) of jobs that run one after the other in one process."""
    workers, measured = Workers(home), []
    try:
        for folder in folders:
            before, began = spent(home), time.perf_counter()
            work = await workers.start(TRAINING, folder, {"HF_HUB_OFFLINE": "1"})
            assert await work.wait() == 0, (folder / "worker.log").read_text()
            measured.append((spent(home) - before, time.perf_counter() - began))
    finally:
        await workers.stop()
    return measured


def least(measure: Callable[[int], float], times: int = 2) -> float:
    """The least of several: what else the machine does adds to all."""
    return min(measure(number) for number in range(times))


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        padded = least(lambda n: alone("-c", _PADDED, str(prepare(home / f"padded{n}"))))
        own = least(lambda n: alone("-m", TRAINING, str(prepare(home / f"own{n}"))))
        runs = asyncio.run(kept(home, [prepare(home / f"kept{n}") for n in range(3)]))
    report("job in a process of its own, rows padded: processor seconds", f"{padded:.1f} s")
    report("the same, rows packed", f"{own:.1f} s")
    at_most("packed over padded", own / padded, 0.95)
    report("first job of a process that is kept", f"{runs[0][0]:.1f} s, {runs[0][1]:.1f} s of wall time")
    later = min(processor for processor, _ in runs[1:])
    report("a later one", f"{later:.1f} s, {min(wall for _, wall in runs[1:]):.1f} s of wall time")
    at_most("a later one over a process of its own", later / own, 0.8)
    at_most("a later one over a process of its own, rows padded", later / padded, 0.7)
    print(table(REPORTED))
    return 0 if all(each.ok is not False for each in REPORTED) else 1


if __name__ == "__main__":
    sys.exit(main())
