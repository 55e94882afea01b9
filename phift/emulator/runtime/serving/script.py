"""How phift's scoring scripts answer: JSON, with a request that breaks the contract distinguished from a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from azureml_inference_server_http.api.aml_response import AMLResponse

from phift.emulator.runtime.serving.contract import BadRequest

__all__ = ["guarded"]

_JSON = {"Content-Type": "application/json"}


def guarded(request: Any, answer: Callable[[bytes], dict[str, Any]]) -> Any:
    """The response to a Flask request, whatever its content type. answer: gives the document for a body.

    A BadRequest is answered 400 with the field; the header tells the gateway that the caller is at fault and not the
    container.
    """
    if request.method != "POST":
        return AMLResponse(json.dumps({"message": "Method not allowed"}), 405, _JSON)
    try:
        document = answer(request.get_data())
    except BadRequest as error:
        body = {"error": {"code": "BadRequest", "message": str(error), "target": error.field}}
        return AMLResponse(json.dumps(body), 400, {**_JSON, "x-phift-bad-input": "true"})
    return AMLResponse(json.dumps(document, ensure_ascii=False), 200, _JSON)
