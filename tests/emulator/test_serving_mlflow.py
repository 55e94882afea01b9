"""MLflow models without a scoring script that are not of transformers: served by their python_function flavor."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from phift.emulator.runtime.serving.folders import find_pyfunc
from phift.emulator.runtime.serving.launch import Launch
from phift.emulator.runtime.serving.tabular import Refused, Rows, read_rows
from tests.emulator.client import Azure
from tests.emulator.serving import MLMODEL, Serving

MAKE = """
import sys, warnings
warnings.filterwarnings("ignore")
import mlflow, numpy, pandas
from mlflow.models import infer_signature
from mlflow.types import ParamSchema, ParamSpec
from sklearn.linear_model import LogisticRegression

table = pandas.DataFrame({"length": [1.0, 1.2, 5.0, 5.5], "width": [0.1, 0.3, 2.0, 2.2]})
kinds = numpy.array([0, 0, 1, 1])
fitted = LogisticRegression().fit(table, kinds)
mlflow.sklearn.save_model(
    fitted, "table", signature=infer_signature(table, kinds), pip_requirements=["scikit-learn"]
)
fitted = LogisticRegression().fit(table.to_numpy(), kinds)
mlflow.sklearn.save_model(
    fitted, "tensor", signature=infer_signature(table.to_numpy(), kinds), pip_requirements=["scikit-learn"]
)
mlflow.sklearn.save_model(fitted, "loose", pip_requirements=["scikit-learn"])

open("scaled.py", "w").write('''
import mlflow
class Scaled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        factor = (params or {}).get("factor", 1.0)
        return model_input.assign(scaled=model_input["length"] * factor)[["scaled"]]
mlflow.models.set_model(Scaled())
''')
mlflow.pyfunc.save_model(
    "scaled", python_model="scaled.py", pip_requirements=["pandas"],
    signature=infer_signature(table[["length"]], params={"factor": 2.0}),
)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of MLflow models: table, tensor, loose (without a signature) and scaled (of pyfunc, with a parameter)."""
    folder = tmp_path_factory.mktemp("models")
    done = subprocess.run([sys.executable, "-c", MAKE], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def endpoint(served: Connection, models: Path) -> Iterator[str]:
    """A deployment for each of the models, by its name."""
    azure = Azure(served)
    with azure.session:
        serving = Serving(azure)
        serving.endpoint("no-code")
        settings = {"requestTimeout": "PT30S"}
        started = [
            serving.put_deployment("no-code", name, serving.model(name, files(models / name)), requestSettings=settings)
            for name in ("table", "tensor", "loose", "scaled")
        ]
        for each in started:
            serving.ok(each)
        yield "no-code"


ROWS = [[1.1, 0.2], [5.2, 2.1]]
TABLE = {"columns": ["length", "width"], "index": [7, 8], "data": ROWS}


@pytest.mark.parametrize(
    ("deployment", "data", "params", "wanted"),
    [
        ("table", TABLE, {}, [0, 1]),
        ("table", {"columns": ["width", "length"], "data": [[2.1, 5.2]]}, None, [1]),
        ("table", [{"length": 1.1, "width": 0.2}], {}, [0]),
        ("table", {"length": [1.1, 5.2], "width": [0.2, 2.1]}, {}, [0, 1]),
        ("tensor", ROWS, {}, [0, 1]),
        ("loose", ROWS, {}, [0, 1]),
        ("loose", {"columns": [0, 1], "data": ROWS}, {}, [0, 1]),
        ("scaled", {"columns": ["length"], "data": [[1.5]]}, {}, [{"scaled": 3.0}]),
        ("scaled", {"columns": ["length"], "data": [[1.5]]}, {"factor": 10.0}, [{"scaled": 15.0}]),
    ],
)
def test_answers_are_the_predictions_alone(
    azure: Azure, endpoint: str, deployment: str, data: Any, params: Any, wanted: Any
) -> None:
    body = {"input_data": data} if params is None else {"input_data": data, "params": params}
    answer = Serving(azure).score(endpoint, body, deployment=deployment)
    assert (answer.status_code, answer.json()) == (200, wanted), answer.text
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("deployment", "body", "status", "text"),
    [
        ("table", "{", "400", "could not be decoded as JSON"),
        ("table", "", "400", "POST body is empty"),
        ("table", [1], "400", "should be a JSON dictionary"),
        ("table", {"data": ROWS}, "400", "A value is not provided for the 'input_data' parameter."),
        ("table", {"input_data": TABLE, "params": [1]}, "400", "params"),
        ("table", {"input_data": {"columns": ["length"], "data": [[1.0]]}}, "500", "An unexpected error occurred"),
        ("table", {"input_data": {**TABLE, "data": [["a", "b"], [1, 2]]}}, "500", "An unexpected error occurred"),
        ("tensor", {"input_data": [["a", "b"]]}, "500", "An unexpected error occurred"),
        ("scaled", {"input_data": {"columns": ["length"], "data": [[1]]}, "params": {"factor": "x"}}, "500", "error"),
    ],
)
def test_what_breaks_the_contract_or_the_signature_is_424(
    azure: Azure, endpoint: str, deployment: str, body: Any, status: str, text: str
) -> None:
    answer = Serving(azure).score(endpoint, body, deployment=deployment)
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == status
    assert text in answer.json()["message"]


def test_the_reason_is_in_the_log_and_other_types_are_415(azure: Azure, endpoint: str) -> None:
    serving = Serving(azure)
    serving.score(endpoint, {"input_data": {"columns": ["length"], "data": [[1.0]]}}, deployment="table")
    assert "Model is missing inputs ['width']" in serving.logs(endpoint, "table")
    answer = serving.score(endpoint, {"input_data": ROWS}, deployment="table", **{"Content-Type": "text/plain"})
    assert answer.headers["ms-azureml-model-error-statuscode"] == "415"


def test_a_model_of_other_flavors_fails_its_deployment(azure: Azure) -> None:
    serving = Serving(azure)
    serving.endpoint("no-code-bad")
    spark = serving.model("spark", {"MLmodel": b"flavors: {spark: {model_data: sparkml}}"})
    error = serving.failed(serving.put_deployment("no-code-bad", "blue", spark))
    assert (error["code"], "flavors spark" in error["message"]) == ("BadArgument", True)


def test_rehearsed_they_answer_a_line_a_row(home: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    with azure.session:
        serving = Serving(azure)
        serving.endpoint("rehearsed")
        serving.deployment("rehearsed", "blue", serving.model("table", files(models / "table")))
        answer = serving.score("rehearsed", {"input_data": TABLE}, deployment="blue")
        assert answer.json() == [f"rehearsal: {json.dumps(row)}" for row in ROWS]
        assert serving.score("rehearsed", {}, deployment="blue").status_code == 424


def test_which_folders_are_served_so(tmp_path: Path) -> None:
    inner = tmp_path / "model"
    inner.mkdir()
    assert find_pyfunc(tmp_path) is None
    for flavors, wanted in (
        ("{python_function: {loader_module: mlflow.sklearn}, sklearn: {}}", inner),
        ("{sklearn: {}}", None),
        ("{python_function: {}, transformers: {task: x}}", None),
        ("[", None),
        ("{}", None),
    ):
        (inner / "MLmodel").write_text(f"flavors: {flavors}\n")
        assert find_pyfunc(tmp_path) == wanted
    (inner / "MLmodel").write_text("flavors: {python_function: {}}\n")
    launch = Launch("e/d", str(tmp_path), "azureml:m:1", "model")
    assert launch.environment()["AZUREML_ENTRY_SCRIPT"].endswith("pyfunc.py")
    (inner / "MLmodel").write_text(MLMODEL)
    assert launch.environment()["AZUREML_ENTRY_SCRIPT"].endswith("score.py")


def test_the_contract() -> None:
    rows = read_rows(b'{"input_data": {"data": [[1], [2]]}}', "application/json; charset=utf-8")
    assert (rows, rows.is_table, rows.listed) == (Rows({"data": [[1], [2]]}, {}), True, [[1], [2]])
    assert Rows({"a": [1], "data": [2]}, {}).is_table is False
    with pytest.raises(Refused) as caught:
        read_rows(b"{}", "")
    assert caught.value.status == 415
