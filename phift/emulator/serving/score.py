"""The scoring script of models that bring none: what the inference server calls. Azure's own has the same contract."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

from phift.emulator.serving.contract import BadRequest, read_question
from phift.emulator.serving.generation import LanguageModel

__all__ = ["init", "run"]

_loaded: dict[str, LanguageModel] = {}


def init() -> None:
    """Called once a worker, before it takes requests."""
    model = LanguageModel.load(Path(os.environ["AZUREML_MODEL_DIR"]))
    model.warm_up()
    _loaded["model"] = model


@rawhttp  # type: ignore[untyped-decorator]
def run(request: Any) -> Any:
    """Called for every request, a Flask one, whatever its content type.

    A request that breaks the contract is answered 400 with the field; the header tells the gateway that the caller is
    at fault and not the container."""
    if request.method != "POST":
        return AMLResponse(json.dumps({"message": "Method not allowed"}), 405, {"Content-Type": "application/json"})
    model = _loaded["model"]
    try:
        answer = model.answer(read_question(request.get_data(), chat=model.chat))
    except BadRequest as error:
        body = {"error": {"code": "BadRequest", "message": str(error), "target": error.field}}
        return AMLResponse(json.dumps(body), 400, {"Content-Type": "application/json", "x-phift-bad-input": "true"})
    return AMLResponse(json.dumps(answer, ensure_ascii=False), 200, {"Content-Type": "application/json"})
