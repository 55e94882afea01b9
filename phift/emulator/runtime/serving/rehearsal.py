"""Rehearsed deployments: everything about them is real but the model, which is never loaded.

Off by default. For tests of what happens around a deployment: a container is up in a second and needs little memory.

    PHIFT_EMULATOR_DEPLOYMENTS=rehearse    in the environment of the command that starts the emulator: deployments
                                           without a scoring script of their own are rehearsed
    environment variable `REHEARSAL_FAIL`  of a deployment: its script fails to start with that message

Requests are checked as ever. The answer is the question's last message behind a label, so that nobody takes it for a
model's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_request import rawhttp

from phift.emulator.runtime.serving.contract import read_question
from phift.emulator.runtime.serving.folders import find_model
from phift.emulator.runtime.serving.script import guarded

__all__ = ["LABEL", "init", "run"]

LABEL = "rehearsal: "

_chat: dict[str, bool] = {}


def init() -> None:
    """The model folder is looked at, as ever, and left alone."""
    if message := os.environ.get("REHEARSAL_FAIL"):
        raise RuntimeError(message)
    _chat["model"] = find_model(Path(os.environ["AZUREML_MODEL_DIR"])).chat is not False


@rawhttp  # type: ignore[untyped-decorator]
def run(request: Any) -> Any:
    """The contract's answer without a model's."""
    return guarded(request, _answer)


def _answer(body: bytes) -> Any:
    question = read_question(body, chat=_chat["model"])
    texts = [LABEL + (asked if isinstance(asked, str) else asked[-1]["content"]) for asked in question.inputs]
    return question.answer(texts)
