"""The scoring script of MLflow models that are served by their python_function flavor, such as scikit-learn's.

What the model or its signature rejects raises, and so becomes the server's 500, which the gateway answers as 424: as
with Azure's own script. The reason is in the container's log.
"""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

from phift.emulator.runtime.serving.folders import find_pyfunc
from phift.emulator.runtime.serving.tabular import Refused, Rows, read_rows

__all__ = ["init", "run"]

_JSON = {"Content-Type": "application/json"}

_loaded: dict[str, Any] = {}


def init() -> None:
    """Called once a worker, before it takes requests."""
    import mlflow.pyfunc

    folder = find_pyfunc(Path(os.environ["AZUREML_MODEL_DIR"]))
    _loaded["model"] = mlflow.pyfunc.load_model(str(folder))


@rawhttp  # type: ignore[untyped-decorator]
def run(request: Any) -> Any:
    """Called for every request, a Flask one."""
    from mlflow.pyfunc.scoring_server import unwrapped_predictions_to_json

    if request.method != "POST":
        return AMLResponse(json.dumps({"message": "Method not allowed"}), 405, _JSON)
    try:
        rows = read_rows(request.get_data(), request.content_type or "")
    except Refused as error:
        return AMLResponse(json.dumps({"message": str(error)}), error.status, _JSON)
    model = _loaded["model"]
    signature = model.metadata.signature
    answer = StringIO()
    inputs = _inputs(rows, signature.inputs if signature else None)
    unwrapped_predictions_to_json(model.predict(inputs, params=rows.params or None), answer)
    return AMLResponse(answer.getvalue(), 200, _JSON)


def _inputs(rows: Rows, schema: Any) -> Any:
    """The input in the form in which the model takes it. schema: of its signature, None without one."""
    import numpy
    import pandas
    from mlflow.pyfunc.scoring_server import dataframe_from_parsed_json, parse_tf_serving_input

    data = rows.data
    if rows.is_table:
        return dataframe_from_parsed_json(data, pandas_orient="split", schema=schema)
    if schema is not None and schema.is_tensor_spec():
        return parse_tf_serving_input({"inputs": data}, schema=schema)
    if isinstance(data, list) and data and all(isinstance(row, dict) for row in data):
        return dataframe_from_parsed_json(data, pandas_orient="records", schema=schema)
    if isinstance(data, dict):
        columns = pandas.DataFrame(data).to_dict(orient="split")
        return dataframe_from_parsed_json(columns, pandas_orient="split", schema=schema)
    return numpy.array(data)
