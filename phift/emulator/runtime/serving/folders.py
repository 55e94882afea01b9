"""Model folders: where in one the weights and the tokenizer are. Standard library and PyYAML only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.emulator.core.yamlfile import load_yaml

__all__ = ["ModelFolderError", "ModelPlace", "find_model", "find_pyfunc"]

_TASKS = {"llm/v1/chat": True, "chat-completion": True, "text-generation": False, "llm/v1/completions": False}
"""Whether a task's model takes conversations."""
_CLASSIFICATION = "text-classification"


class ModelFolderError(Exception):
    """The folder does not contain a model that can be served; the text says what is missing, by relative names."""


@dataclass(frozen=True)
class ModelPlace:
    """weights, tokenizer: folders as transformers reads them. chat: takes conversations; None: ask the tokenizer.

    classifies: it gives texts a class. columns: names of the one or two texts of a row, where it was trained by names.
    """

    weights: Path
    tokenizer: Path
    chat: bool | None
    classifies: bool = False
    columns: tuple[str, ...] = ()


def find_pyfunc(folder: Path) -> Path | None:
    """The MLflow model in an AZUREML_MODEL_DIR that is served by its python_function flavor, as models of scikit-learn
    are: the folder with its MLmodel. None for models of transformers, and for folders without an MLflow model."""
    for place in _places(folder):
        if (place / "MLmodel").is_file():
            try:
                flavors = _flavors(_described(place))
            except ModelFolderError:
                return None
            return place if "python_function" in flavors and _transformers(flavors) is None else None
    return None


def find_model(folder: Path) -> ModelPlace:
    """The model in an AZUREML_MODEL_DIR: an MLflow model or a plain Hugging Face folder, there or in its only
    sub-folder. Raises ModelFolderError."""
    places = _places(folder)
    for place in places:
        if (place / "MLmodel").is_file():
            return _mlflow(place)
    for place in places:
        if (place / "config.json").is_file():
            _check_weights(place, "")
            return ModelPlace(place, place, None, classifies=_is_classifier(place / "config.json"))
    raise ModelFolderError("there is neither an MLmodel file (MLflow) nor a config.json (Hugging Face) in it")


def _places(folder: Path) -> list[Path]:
    return [folder, *sorted(each for each in folder.iterdir() if each.is_dir())]


def _described(place: Path) -> Any:
    try:
        return load_yaml((place / "MLmodel").read_bytes())
    except ValueError as error:
        raise ModelFolderError(f"MLmodel is not YAML: {error}") from error


def _flavors(described: Any) -> dict[str, Any]:
    flavors = described.get("flavors") if isinstance(described, dict) else None
    if not isinstance(flavors, dict) or not flavors:
        raise ModelFolderError("MLmodel has no flavors")
    return flavors


def _transformers(flavors: dict[str, Any]) -> dict[str, Any] | None:
    flavor = flavors.get("transformers") or flavors.get("hftransformersv2")
    return flavor if isinstance(flavor, dict) else None


def _mlflow(place: Path) -> ModelPlace:
    described = _described(place)
    flavors = _flavors(described)
    flavor = _transformers(flavors)
    if flavor is None:
        raise ModelFolderError(
            f"MLmodel has the flavors {', '.join(sorted(map(str, flavors)))}; without a scoring script of your own the "
            "emulator serves models with the flavor transformers or python_function only"
        )
    weights = place / str(flavor.get("model_binary") or "model")
    tokenizer = place / "components" / "tokenizer"
    tokenizer = tokenizer if tokenizer.is_dir() else weights
    _check_weights(weights, f"{weights.name}/")
    if not any((tokenizer / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        raise ModelFolderError("components/tokenizer has no tokenizer.json")
    given = described.get("metadata")
    metadata: dict[str, Any] = given if isinstance(given, dict) else {}
    # MLflow writes chat models with the pipeline's task, text-generation, and their own beside it
    task = str(flavor.get("inference_task") or metadata.get("task") or flavor.get("task") or flavor.get("task_type"))
    if task == _CLASSIFICATION:
        columns = tuple(filter(None, str(metadata.get("columns") or "").split(",")))
        return ModelPlace(weights, tokenizer, chat=False, classifies=True, columns=columns)
    if task not in _TASKS:
        raise ModelFolderError(f"MLmodel says task {task!r}; served are {', '.join((*_TASKS, _CLASSIFICATION))}")
    return ModelPlace(weights, tokenizer, _TASKS[task])


def _is_classifier(config: Path) -> bool:
    try:
        listed = json.loads(config.read_bytes()).get("architectures")
    except (ValueError, AttributeError):
        return False
    return isinstance(listed, list) and any(str(name).endswith("ForSequenceClassification") for name in listed)


def _check_weights(folder: Path, shown: str) -> None:
    if not (folder / "config.json").is_file():
        raise ModelFolderError(f"{shown}config.json is missing")
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("pytorch_model*.bin")):
        raise ModelFolderError(f"{shown or 'the folder'} has no weights (*.safetensors)")
