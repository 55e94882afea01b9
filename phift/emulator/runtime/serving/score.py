"""The scoring script of models that bring none: what the inference server calls. Azure's own has the same contract."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_request import rawhttp

from phift.emulator.runtime.serving.classification import Classifier
from phift.emulator.runtime.serving.folders import find_model
from phift.emulator.runtime.serving.generation import LanguageModel
from phift.emulator.runtime.serving.script import guarded

__all__ = ["init", "run"]

_loaded: dict[str, LanguageModel | Classifier] = {}


def init() -> None:
    """Called once a worker, before it takes requests."""
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    model = Classifier.load(folder) if find_model(folder).classifies else LanguageModel.load(folder)
    model.warm_up()
    _loaded["model"] = model


@rawhttp  # type: ignore[untyped-decorator]
def run(request: Any) -> Any:
    """Called for every request, a Flask one."""
    return guarded(request, _answer)


def _answer(body: bytes) -> Any:
    return _loaded["model"].respond(body)
