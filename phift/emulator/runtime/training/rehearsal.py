"""Rehearsed jobs: a job goes its whole way through the service in a fraction of a second, and nothing is trained.

Off by default. For tests of what happens around a training: states, steps, logs, metrics, outputs, registration.

    PHIFT_EMULATOR_JOBS=rehearse    in the environment of the command that starts the emulator: all its jobs are
                                    rehearsed; `phift emulator status` says so
    tag `rehearsal.seconds: "5"`    of a job: how long its training step lasts (default: no time at all)
    tag `rehearsal.until: "/tmp/go"`  of a job: its training step lasts until that file exists, ten minutes at most
    tag `rehearsal.fail: "chat_completion_finetune: out of memory"`
                                    of a job: that step fails with that message; of one node alone with its name before
                                    it, as in `first/chat_completion_finetune: out of memory`
    tag `rehearsal.fail_attempts: "1"`  of a job: only this many attempts fail; names end in -r2, -r3 after the first

The base model's weights come out as they went in. Every log says that it is a rehearsal, the numbers are fixed ones,
and the MLmodel file carries `rehearsal: true`.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from phift.emulator.runtime.child import watch_lifeline
from phift.emulator.runtime.foundation import WEIGHTS
from phift.emulator.runtime.training.events import EventWriter, Progress, StepEnded, StepStarted
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.runtime.training.steps.context import Parameters, StepContext, StepError, Task
from phift.emulator.runtime.training.steps.convert import TASKS
from phift.emulator.runtime.training.worker import TRAINING, JobFile

__all__ = ["LABEL", "rehearses", "worker_for"]

LABEL = "rehearsal: nothing was trained"
LOSSES = (3.0, 2.0, 1.0)
"""At steps 1, 2 and 3; the evaluation loss goes from the first to the last."""

_SWITCH = "PHIFT_EMULATOR_JOBS"
_TAGS = {
    "rehearsal.seconds": "PHIFT_REHEARSAL_SECONDS",
    "rehearsal.until": "PHIFT_REHEARSAL_UNTIL",
    "rehearsal.fail": "PHIFT_REHEARSAL_FAIL",
    "rehearsal.fail_attempts": "PHIFT_REHEARSAL_FAIL_ATTEMPTS",
}
_LONGEST_WAIT = 600.0
_TRAINING = "finetune"
_CONVERSION = "convert"
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def rehearses() -> bool:
    """Whether this emulator's jobs are rehearsed. Raises ValueError for a value of the switch that nobody knows."""
    said = os.environ.get(_SWITCH, "")
    if said not in ("", "train", "rehearse"):
        raise ValueError(f"{_SWITCH}={said!r}: write train or rehearse")
    return said == "rehearse"


def worker_for(tags: Mapping[str, str], node: str = "") -> tuple[str, dict[str, str]]:
    """The module that is the worker of a node of a job with these tags, and what its environment needs on top."""
    if not rehearses():
        return TRAINING, {}
    variables = {variable: tags[tag] for tag, variable in _TAGS.items() if tag in tags}
    named, slash, failure = variables.get("PHIFT_REHEARSAL_FAIL", "").partition("/")
    if slash and ":" not in named:
        variables["PHIFT_REHEARSAL_FAIL"] = failure if named == node else ""
    return __name__, variables


def rehearse(
    folder: Path, *, seconds: float = 0.0, until: Path | None = None, fail: str = "", fail_attempts: int = 0
) -> bool:
    """Go through the job's steps; True when none was made to fail.

    seconds: the length of the training step. until: a file that the training step waits for. fail: "STEP: MESSAGE".
    fail_attempts: how many attempts fail, 0 for all.
    """
    job = JobFile.read(folder)
    events = EventWriter(folder / "events.jsonl")
    attempt = re.search(r"-r(\d+)$", job.name)
    if fail_attempts and attempt and int(attempt[1]) > fail_attempts:
        fail = ""
    failing, _, message = (part.strip() for part in fail.partition(":"))
    steps = PIPELINES[job.component]
    if failing and failing not in {step for step, _ in steps}:
        failing, message = steps[0][0], f"rehearsal.fail: {failing} is not a step of {job.component}"
    for step, module in steps:
        inputs = {name: Path(path) for name, path in job.inputs.items()}
        context = StepContext(job.name, step, folder, Parameters(job.parameters), inputs, job.stand_in, events)
        context.log_file.parent.mkdir(parents=True, exist_ok=True)
        events.write(StepStarted(step))
        context.log(LABEL)
        events.write(Progress(0, 0, LABEL))
        try:
            if module == _TRAINING:
                _pretend_to_train(context, seconds, until)
            if step == failing:
                raise StepError(message or "made to fail")
            if module == _CONVERSION:
                _hand_over(context)
        except StepError as error:
            context.log(f"error: {error}")
            events.write(StepEnded(step, str(error)))
            return False
        context.log("done")
        events.write(StepEnded(step))
    return True


def _pretend_to_train(context: StepContext, seconds: float, until: Path | None) -> None:
    context.log("rehearsal: the numbers that follow are fixed, not measured")
    context.metrics(0, {"eval_loss": LOSSES[0]})
    for step, loss in enumerate(LOSSES, 1):
        time.sleep(seconds / len(LOSSES))
        context.metrics(step, {"loss": loss, "learning_rate": 0.0, "epoch": step / len(LOSSES)})
        context.progress(step, len(LOSSES), loss, 0.0)
    deadline = time.monotonic() + _LONGEST_WAIT
    while until is not None and not until.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    context.metrics(len(LOSSES), {"eval_loss": LOSSES[-1]})


def _hand_over(context: StepContext) -> None:
    """Both outputs of the pipeline, from the base model's files. Raises StepError where there is no base model."""
    given = context.inputs.get("mlflow_model_path") or context.inputs.get("pytorch_model_path")
    if given is None and context.parameters.text("huggingface_id"):
        given = WEIGHTS  # nothing is downloaded for a rehearsal
    if given is None:
        raise StepError("a rehearsal needs a base model folder as input")
    files = {p.name: p for p in given.rglob("*") if p.is_file() and not p.name.startswith((".", "README"))}
    plain, packed = context.output("pytorch_model_folder"), context.output("mlflow_model_folder")
    for folder in (packed / "model", packed / "components" / "tokenizer"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, path in files.items():
        shutil.copyfile(path, plain / name)
        within = "components/tokenizer" if name in _TOKENIZER else "model"
        shutil.copyfile(path, packed / within / name)
    (packed / "MLmodel").write_text(_mlmodel(context), encoding="utf-8")
    context.log(f"the base model's {len(files)} files, unchanged")


def _mlmodel(context: StepContext) -> str:
    return f"""\
flavors:
  python_function:
    loader_module: mlflow.transformers
    python_version: {sys.version.split()[0]}
  transformers:
    code: null
    components:
    - tokenizer
    framework: pt
    instance_type: TextGenerationPipeline
    model_binary: model
    pipeline_model_type: Phi3ForCausalLM
    source_model_name: {context.job}
    task: {"text-classification" if context.task is Task.CLASS else "text-generation"}
    tokenizer_type: PreTrainedTokenizerFast
    torch_dtype: torch.float32
    transformers_version: {version("transformers")}
metadata:
  finetuned_by_job: {context.job}
  rehearsal: 'true'
  stand_in: '{str(context.stand_in).lower()}'
  task: {TASKS[context.task]}
mlflow_version: {version("mlflow")}
"""


def main() -> int:
    watch_lifeline()
    seconds = float(os.environ.get("PHIFT_REHEARSAL_SECONDS") or 0)
    fail = os.environ.get("PHIFT_REHEARSAL_FAIL", "")
    attempts = int(os.environ.get("PHIFT_REHEARSAL_FAIL_ATTEMPTS") or 0)
    file = os.environ.get("PHIFT_REHEARSAL_UNTIL")
    until = Path(file) if file else None
    ok = rehearse(Path(sys.argv[1]).resolve(), seconds=seconds, until=until, fail=fail, fail_attempts=attempts)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
