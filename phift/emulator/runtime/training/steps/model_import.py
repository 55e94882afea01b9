"""Step 2: the base model's weights and tokenizer as one Hugging Face folder."""

from __future__ import annotations

import shutil
from pathlib import Path

from phift.emulator.runtime.foundation.hub import NotDownloaded, download
from phift.emulator.runtime.training.steps.context import StepContext, StepError

__all__ = ["model_folder", "run", "tokenizer_folder"]

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")


def run(context: StepContext) -> None:
    """Fill the work folder `model` from mlflow_model_path, pytorch_model_path or huggingface_id, in that order.

    Raises StepError when there are no weights in what was given, or the hub cannot be reached.
    """
    target = context.work("model")
    given = context.inputs.get("mlflow_model_path") or context.inputs.get("pytorch_model_path")
    if given is not None:
        _copy(given, target)
        if context.stand_in:
            context.log("stand-in: a tiny model of Phi-3's architecture, since the real weights are not here")
    else:
        _download(context.parameters.text("huggingface_id"), target)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    context.log(f"imported {given.name if given else context.parameters.text('huggingface_id')}: {size / 1e6:.1f} MB")


def _copy(source: Path, target: Path) -> None:
    for folder in (model_folder(source), tokenizer_folder(source)):
        for file in folder.iterdir():
            if file.is_file() and not (target / file.name).exists():
                shutil.copyfile(file, target / file.name)


def model_folder(root: Path) -> Path:
    """The folder with weights and config inside a Hugging Face or MLflow model folder; StepError when there is none."""
    for folder in (root, root / "model", root / "data" / "model"):
        if (folder / "config.json").is_file() and any(True for pattern in _WEIGHTS for _ in folder.glob(pattern)):
            return folder
    raise StepError(
        f"{root.name} does not contain a model: expected config.json next to *.safetensors, in it or in model/"
    )


def tokenizer_folder(root: Path) -> Path:
    """The folder with the tokenizer that belongs to `model_folder(root)`; StepError when there is none."""
    for folder in (root, root / "components" / "tokenizer", root / "data" / "tokenizer", model_folder(root)):
        if (folder / "tokenizer.json").is_file() or (folder / "tokenizer.model").is_file():
            return folder
    raise StepError(f"{root.name} does not contain a tokenizer (tokenizer.json)")


def _download(name: str, target: Path) -> None:
    try:
        download(name, target)
    except NotDownloaded as error:
        remedy = "; give a model folder as pytorch_model_path, or set HF_ENDPOINT to a mirror"
        raise StepError(f"huggingface_id {error}{remedy if error.unreachable else ''}") from error
    shutil.rmtree(target / ".cache", ignore_errors=True)
    model_folder(target)
