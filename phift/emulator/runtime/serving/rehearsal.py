"""Rehearsed deployments: everything about them is real but the model, which is never loaded.

Off by default. For tests of what happens around a deployment: a container is up in a second and needs little memory.

    PHIFT_EMULATOR_DEPLOYMENTS=rehearse    in the environment of the command that starts the emulator: deployments
                                           without a scoring script of their own are rehearsed
    environment variable `REHEARSAL_FAIL`  of a deployment: its script fails to start with that message

Requests are checked as without rehearsal. The answer is the question's last message behind a label, so that nobody
takes it for a model's; of a table or tensor each row behind a label.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

from phift.emulator.runtime.serving.classification import read_table
from phift.emulator.runtime.serving.contract import read_question
from phift.emulator.runtime.serving.folders import ModelPlace, find_model, find_pyfunc
from phift.emulator.runtime.serving.script import guarded
from phift.emulator.runtime.serving.tabular import Refused, read_rows

__all__ = ["LABEL", "init", "run"]

LABEL = "rehearsal: "

_loaded: dict[str, ModelPlace] = {}
"""The model; nothing for one that is served by its python_function flavor."""


def init() -> None:
    """The model folder is checked and not loaded."""
    if message := os.environ.get("REHEARSAL_FAIL"):
        raise RuntimeError(message)
    folder = Path(os.environ["AZUREML_MODEL_DIR"])
    if not find_pyfunc(folder):
        _loaded["model"] = find_model(folder)


@rawhttp  # type: ignore[untyped-decorator]
def run(request: Any) -> Any:
    """The contract's answer without a model's."""
    return guarded(request, _answer) if _loaded else _answer_rows(request)


def _answer(body: bytes) -> Any:
    place = _loaded["model"]
    if place.classifies:
        return [LABEL + row[0] for row in read_table(body, place.columns).rows]
    question = read_question(body, chat=place.chat is not False)
    texts = [LABEL + (asked if isinstance(asked, str) else asked[-1]["content"]) for asked in question.inputs]
    return question.answer(texts)


def _answer_rows(request: Any) -> Any:
    headers = {"Content-Type": "application/json"}
    try:
        rows = read_rows(request.get_data(), request.content_type or "")
    except Refused as error:
        return AMLResponse(json.dumps({"message": str(error)}), error.status, headers)
    return AMLResponse(json.dumps([LABEL + json.dumps(row) for row in rows.listed]), 200, headers)
