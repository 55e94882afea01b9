"""Step 5: the trained model as a standard MLflow model."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from typing import Any

from phift.emulator.runtime.training.steps.base import model_class
from phift.emulator.runtime.training.steps.context import StepContext, Task

__all__ = ["TASKS", "run"]

TASKS = {Task.CHAT: "llm/v1/chat", Task.TEXT: "text-generation", Task.CLASS: "text-classification"}
_KINDS = {Task.CHAT: "chat", Task.TEXT: "text", Task.CLASS: "classification"}
REQUIREMENTS = ("transformers", "torch", "accelerate", "mlflow")


def run(context: StepContext) -> None:
    """Write mlflow_model_folder: flavours python_function and transformers, weights in model/."""
    import mlflow
    from huggingface_hub import ModelCard
    from transformers import AutoTokenizer

    task = TASKS[context.task]
    source, target = context.output("pytorch_model_folder"), context.output("mlflow_model_folder")
    shutil.rmtree(target)  # save_model insists on making it
    components: dict[str, Any] = {
        "model": model_class(context.task).from_pretrained(source, dtype="auto"),
        "tokenizer": AutoTokenizer.from_pretrained(source),
    }
    notes = {"finetuned_by_job": context.job}
    if context.task is Task.CLASS:
        keys = (context.parameters.text(name) for name in ("sentence1_key", "sentence2_key"))
        notes["columns"] = ",".join(filter(None, keys))
    if context.stand_in:
        notes["stand_in"] = "true"
    mlflow.transformers.save_model(
        transformers_model=components,
        path=str(target),
        task=task,
        pip_requirements=[f"{package}=={_release(package)}" for package in REQUIREMENTS],
        model_card=ModelCard(_card(context)),
        metadata=notes,
    )
    for name in ("MLmodel", "LICENSE.txt"):
        # MLflow writes down where the weights were read from: a folder that only this machine has, and not for long
        written = target / name
        written.write_text(written.read_text(encoding="utf-8").replace(str(source), context.job), encoding="utf-8")
    context.log(f"MLflow model, task {task}: {sum(1 for f in target.rglob('*') if f.is_file())} files")


def _release(package: str) -> str:
    return version(package).split("+")[0]  # a local build tag such as +cpu is on no index


def _card(context: StepContext) -> str:
    stand_in = (
        "\nThe base model was phift's tiny stand-in, not the model it is named after.\n" if context.stand_in else ""
    )
    title = f"---\nlibrary_name: transformers\n---\n\n# Fine-tuned {_KINDS[context.task]} model\n\n"
    return f"{title}Trained by job {context.job} in the Azure ML emulator of phift.\n{stand_in}"
