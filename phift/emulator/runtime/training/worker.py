"""The process in which one job runs: `python -m phift.emulator.runtime.training.worker JOB_FOLDER`.

It reads `job.json`, runs the steps in order and tells the emulator what happens by `events.jsonl`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.emulator.runtime.child import watch_lifeline
from phift.emulator.runtime.training.events import EventWriter, StepEnded, StepStarted
from phift.emulator.runtime.training.steps import PIPELINES, step_function
from phift.emulator.runtime.training.steps.context import Parameters, StepContext, StepError

__all__ = ["TRAINING", "JobFile", "quiet", "run_job", "run_step", "without_unused_libraries"]

TRAINING = "phift.emulator.runtime.training.worker"
"""This module, as a worker that a job can ask for; the other one is its rehearsal."""


@dataclass(frozen=True)
class JobFile:
    """What the emulator hands to a worker.

    parameters: canonical values by input name. inputs: local paths by input name. stand_in: the base model given is
    the tiny stand-in.
    """

    name: str
    component: str
    parameters: dict[str, Any]
    inputs: dict[str, str]
    stand_in: bool = False

    def write(self, folder: Path) -> None:
        (folder / "job.json").write_text(json.dumps(vars(self), indent=1), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> JobFile:
        return cls(**json.loads((folder / "job.json").read_text(encoding="utf-8")))


def run_job(folder: Path) -> bool:
    """Run the job's steps until one fails; True when all went well. Never raises for what a step does."""
    job = JobFile.read(folder)
    return all(run_step(folder, job, step, module) for step, module in PIPELINES[job.component])


def run_step(folder: Path, job: JobFile, step: str, module: str) -> bool:
    """Run one step of a job and report its end; True when it went well. Never raises for what the step does."""
    events = EventWriter(folder / "events.jsonl")
    inputs = {name: Path(path) for name, path in job.inputs.items()}
    context = StepContext(job.name, step, folder, Parameters(job.parameters), inputs, job.stand_in, events)
    context.log_file.parent.mkdir(parents=True, exist_ok=True)
    context.log_file.touch()
    events.write(StepStarted(step))
    try:
        step_function(module)(context)
    except StepError as error:
        context.log(f"error: {error}")
        events.write(StepEnded(step, str(error)))
        return False
    except OSError as error:
        context.log(traceback.format_exc())
        events.write(StepEnded(step, f"{error.strerror or error}: {error.filename or step}", "SystemError"))
        return False
    except Exception as error:  # noqa: BLE001  whatever a library raises must end as a failed step, not as a vanished worker
        context.log(traceback.format_exc())
        first = (str(error).splitlines() or [""])[0]
        events.write(StepEnded(step, f"{type(error).__name__}: {first}", "SystemError"))
        return False
    context.log("done")
    events.write(StepEnded(step))
    return True


def quiet() -> None:
    """Keep third-party chatter out of the logs and cores free. Must run before the libraries are imported."""
    os.environ |= {
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
        "MLFLOW_LOGGING_LEVEL": "ERROR",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait starve everyone else, and so themselves
    }
    warnings.filterwarnings("ignore")


def without_unused_libraries() -> None:
    """Hide what transformers imports wherever it is installed although no step uses it: over a second of every job."""
    for name in ("datasets", "scipy"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # "not installed", as the language defines it


def main() -> int:
    watch_lifeline()
    quiet()
    without_unused_libraries()
    return 0 if run_job(Path(sys.argv[1]).resolve()) else 1


if __name__ == "__main__":
    sys.exit(main())
