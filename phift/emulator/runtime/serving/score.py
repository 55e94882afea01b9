"""The scoring script of models that bring none: what the inference server calls. Azure's own has the same contract."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_request import rawhttp

from phift.emulator.runtime.serving.contract import read_question
from phift.emulator.runtime.serving.generation import LanguageModel
from phift.emulator.runtime.serving.script import guarded

__all__ = ["init", "run"]

_loaded: dict[str, LanguageModel] = {}


def init() -> None:
    """Called once a worker, before it takes requests."""
    model = LanguageModel.load(Path(os.environ["AZUREML_MODEL_DIR"]))
    model.warm_up()
    _loaded["model"] = model


@rawhttp  # type: ignore[untyped-decorator]
def run(request: Any) -> Any:
    """Called for every request, a Flask one."""
    return guarded(request, _answer)


def _answer(body: bytes) -> Any:
    model = _loaded["model"]
    return model.answer(read_question(body, chat=model.chat))
