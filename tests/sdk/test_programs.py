"""Whole programs that know nothing of phift, run as users run them: `phift emulator run -- python PROGRAM`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from importing import same_training

from phift.azure.connect import connect
from phift.emulator.host import lifecycle

PROGRAMS = Path(__file__).parent / "programs"
REPOSITORY = Path(__file__).resolve().parents[2]
CELLS = [
    "clients",
    "model",
    "compute",
    "parameters",
    "job",
    "streamed",
    "registered",
    "endpoint",
    "answer",
    "logs",
    "keys",
    "deleted",
]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    lifecycle.stop(path)


def run(home: Path, folder: Path, program: str, **environment: str) -> dict[str, dict[str, Any]]:
    """What the program told, by cell."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "PHIFT_"))}
    variables = {**kept, "PHIFT_HOME": str(home), "PYTHONPATH": str(REPOSITORY), **environment}
    command = [sys.executable, "-m", "phift", "emulator", "run", "--", sys.executable, str(PROGRAMS / program)]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    mark = '{"cell"'  # the SDK prints dots without line ends before it
    lines = [json.loads(line[line.index(mark) :]) for line in done.stdout.splitlines() if mark in line]
    return {line["cell"]: line for line in lines}


def notebook_folder(home: Path, folder: Path) -> Path:
    """A folder with config.json and the quickstart's data."""
    folder.mkdir()
    connection = lifecycle.ensure(home, idle_seconds=900)
    config = {
        "subscription_id": connection.subscription_id,
        "resource_group": connection.resource_group,
        "workspace_name": connection.workspace_name,
    }
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("train.jsonl", "test.jsonl"):
        lines = (REPOSITORY / "configs" / "data" / name).read_text(encoding="utf-8").splitlines()[:16]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "rehearsed"),
    [
        pytest.param({"pace": "fast"}, False, id="fast-trained"),
        pytest.param({"pace": "fast", "noise": True}, True, id="noise"),
        # The SDK polls every half minute where the service names no pause: minutes of waiting, left to `make matrix`.
        pytest.param({"pace": "faithful", "speed": 60}, True, id="faithful", marks=pytest.mark.matrix),
    ],
)
def test_the_chat_completion_notebook_twice(
    settings: dict[str, Any], rehearsed: bool, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run meets the compute, the model and the data of the first; it trains anew."""
    if rehearsed:
        monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        monkeypatch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
    folder = notebook_folder(home, tmp_path / "notebook")
    lifecycle.request(lifecycle.ensure(home), "PUT", "/settings", settings)
    first = run(home, folder, "chat_completion.py", MAX_STEPS="3")
    assert list(first) == CELLS
    assert first["streamed"]["status"] == "Completed"
    assert first["endpoint"]["traffic"] == {"demo": 100}
    assert first["answer"]["text"].strip() or not rehearsed
    assert first["deleted"]["left"] is False
    second = run(home, folder, "chat_completion.py", MAX_STEPS="3")
    assert list(second) == CELLS
    assert second["job"]["name"] != first["job"]["name"]


def test_the_text_generation_notebook(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    monkeypatch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
    told = run(home, notebook_folder(home, tmp_path / "notebook"), "text_generation.py", MAX_STEPS="3")
    azure = connect(None, local=lifecycle.ensure(home))
    same_training(azure, told["job"]["name"], tmp_path)
    assert told["model"]["id"] == "azureml://registries/azureml-msr/models/microsoft-phi-2/versions/23"
    assert told["streamed"]["status"] == "Completed"
    assert told["metrics"]["runs"] == 7
    assert {"epoch", "loss", "eval_loss"} <= set(told["metrics"]["metrics"])
    assert told["endpoint"]["traffic"] == {"demo": 100}
    assert len(told["answer"]["texts"]) == 2
    assert told["deleted"]["left"] is False


def test_custom_components(home: Path, tmp_path: Path) -> None:
    told = run(
        home, notebook_folder(home, tmp_path / "notebook"), "custom_components.py", AZUREML_RUN_POLLING_INTERVAL_MIN="1"
    )
    assert told["command"]["status"] == "Completed"
    assert {"rows.txt", "std_log.txt"} <= set(told["command"]["files"])
    steps = {"prepared": "Completed", "score": "Completed", "trained": "Completed"}
    first, second = told["three-steps"], told["three-steps-again"]
    assert (first["planned"], first["status"], first["children"]) == (sorted(steps), "Completed", steps)
    assert (first["reused"], second["reused"]) == ([], sorted(steps))
    assert first["report"] == 'scored {"rows": 3, "rate": 0.5}'
    assert told["model"] == {"cell": "model", "text": '{"rows": 3, "rate": 0.5}', "version": "1"}
    assert (told["sweep"]["status"], told["sweep"]["best"]) == ("Completed", "a-sweep_1")
    assert told["sweep"]["trials"] == {"a-sweep_0": "Completed", "a-sweep_1": "Completed"}
    assert (told["sweep"]["parent"], told["sweep"]["model"]) == ("command", '{"rows": 4, "rate": 0.9}')
    assert (told["ends"]["failed"], told["ends"]["endless"]) == (True, "Canceled")


def test_the_stock_mlflow_client(home: Path, tmp_path: Path) -> None:
    told = run(home, notebook_folder(home, tmp_path / "notebook"), "mlflow_client.py")
    assert told["address"]["scheme"] == "azureml"
    assert (told["read"]["status"], told["read"]["rate"], told["read"]["loss"]) == ("FINISHED", "0.1", 0.2)
    assert (told["read"]["params"], told["read"]["many"], told["read"]["tags"]) == (92, [1000, 999], ["a", "yes"])
    assert told["artifacts"] | {"cell": ""} == {
        "cell": "",
        "listed": ["data", "notes"],
        "text": "hello",
        "size": 256 * 8192,
    }
    assert (told["searched"]["runs"], told["searched"]["children"]) == (["first"], ["second"])
    assert "404" in told["gaps"]["models"]
    assert "Traces are not available" in told["gaps"]["traces"]
    assert (told["deleted"]["gone"], told["deleted"]["back"]) == (True, "active")


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"pace": "fast", "noise": True}, id="noise"),
        # As above: the SDK's own waiting takes minutes.
        pytest.param({"pace": "faithful", "speed": 60, "noise": True}, id="faithful", marks=pytest.mark.matrix),
    ],
)
def test_the_safe_rollout_notebook(settings: dict[str, Any], home: Path, tmp_path: Path) -> None:
    folder = notebook_folder(home, tmp_path / "notebook")
    lifecycle.request(lifecycle.ensure(home), "PUT", "/settings", settings)
    told = run(home, folder, "safe_rollout.py")
    assert (told["blue"]["answer"], told["blue"]["traffic"]) == ([6, 15], {"blue": 100})
    assert told["scaled"]["instances"] == 2
    assert (told["green"]["answer"], told["green"]["live"]) == ([60, 150], [6, 15])
    assert told["green"]["before"] == {"200": 1}
    assert (told["mirrored"]["mirror"], told["mirrored"]["traffic"]) == ({"green": 10}, {"blue": 100})
    assert 0 < told["mirrored"]["copies"] < told["mirrored"]["sent"]
    assert "At most 50 %" in told["refused"]["text"]
    assert told["ended"]["mirror"] == {}
    assert (told["canary"]["traffic"], told["canary"]["answer"]) == ({"blue": 90, "green": 10}, True)
    assert (told["all"]["traffic"], told["all"]["answer"]) == ({"blue": 0, "green": 100}, [60, 150])
    assert (told["rolled_out"]["left"], told["rolled_out"]["statuses"]) == (["green"], ["200"])
    assert told["deleted"]["gone"] is True


@pytest.mark.slow
def test_a_model_of_scikit_learn_without_a_scoring_script(home: Path, tmp_path: Path) -> None:
    told = run(
        home, notebook_folder(home, tmp_path / "notebook"), "no_code_mlflow.py", AZUREML_RUN_POLLING_INTERVAL_MIN="1"
    )
    assert (told["registered"]["name"], told["registered"]["type"]) == ("iris-kinds", "mlflow_model")
    assert told["deployed"]["state"] == "Succeeded"
    assert told["deployed"]["variables"]["AZUREML_ENTRY_SCRIPT"] == "/var/mlflow_resources/mlflow_score_script.py"
    assert told["answer"]["kinds"] == [0, 1]
    assert (told["refused"]["status"], told["logs"]["missing"]) == (424, True)
    assert (told["job"]["status"], told["logged"]["kinds"]) == ("Completed", [0, 1])
    assert list(told)[-1] == "deleted"


def test_a_model_is_shared_through_a_registry(home: Path, tmp_path: Path) -> None:
    told = run(home, notebook_folder(home, tmp_path / "notebook"), "registry_sharing.py")
    assert told["workspaces"]["names"] == ["local", "team-a", "team-b"]
    assert (told["registry"]["regions"], told["registry"]["listed"]) == (["eastus", "westeurope"], ["shared-models"])
    base = "azureml://registries/shared-models"
    assert (told["model"]["id"], told["model"]["tags"]) == (f"{base}/models/words-shared/versions/3", {"by": "a"})
    assert told["assets"]["data"] == f"{base}/data/rows/versions/1"
    assert (told["assets"]["environment"], told["assets"]["image"]) == (
        f"{base}/environments/plain/versions/1",
        "python:3.11",
    )
    created = told["created"]
    assert (created["models"], created["latest"], created["image"]) == (
        ["uploaded", "words-shared"],
        "1",
        "python:3.12",
    )
    assert created["component"] == f"{base}/components/step/versions/1"
    assert told["brought"]["id"] == f"{base}/components/of_a/versions/2"
    assert told["brought"]["code"].startswith(f"{base}/codes/")
    assert told["brought"]["environment"] == f"{base}/environments/plain/versions/1"
    assert created["downloaded"] == ["hello from A"]
    assert (told["archived"]["active"], told["archived"]["stage"]) == ([], "Archived")
    assert told["twice"]["error"] == "ValidationException"
    assert told["public"]["status"] == 401
    assert told["answer"]["uri"] == "https://words-b.westeurope.inference.ml.azure.com/score"
    assert told["answer"]["said"] == {"said": "hello from A", "to": "b"}
    assert "Invalid region japaneast for operation consume in registry shared-models" in told["elsewhere"]["message"]
    assert (told["job"]["status"], told["job"]["steps"]) == ("Completed", "Completed")
    assert told["deleted"]["left"] == ["local"]


def test_schedules_create_jobs(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    told = run(home, notebook_folder(home, tmp_path / "scheduled"), "schedules.py")
    assert told["created"] == {"cell": "created", "enabled": True, "state": "Succeeded", "frequency": "minute"}
    assert told["run"]["name"].startswith("minutely-")
    assert told["run"]["display_name"] == told["run"]["name"]
    assert "creation_context" not in told["run"]["label"]
    assert told["triggered"]["action"] == "CreateJob"
    assert told["refused"]["status"] == 400
    assert (told["disabled"]["enabled"], told["disabled"]["listed"]) == (False, [])
    assert (told["enabled"]["enabled"], told["enabled"]["listed"]) == (True, ["minutely"])
    assert told["kept"] == {
        "cell": "kept",
        "days": ["monday", "friday"],
        "expression": "15 10 * * 1",
        "zone": "Pacific Standard Time",
    }
    assert told["deleted"]["left"] == 0


def test_models_of_mlflow_are_those_of_the_workspace(home: Path, tmp_path: Path) -> None:
    told = run(home, notebook_folder(home, tmp_path / "notebook"), "mlflow_models.py")
    seen = told["seen"]
    assert seen["id"].endswith("/models/from-mlflow/versions/1")
    assert (seen["type"], seen["tags"], seen["description"]) == ("mlflow_model", {"team": "a", "more": "yes"}, "shouts")
    assert (seen["stage"], seen["flavors"], seen["job"]) == ("Production", ["python_function"], True)
    assert (seen["listed"], seen["latest"]) == (["from-mlflow"], "1")
    assert "MLmodel" in told["downloaded"]["files"]
    loaded = told["loaded"]
    assert (loaded["says"], loaded["run"], loaded["status"]) == (["hello!"], ["run!"], "READY")
    assert (loaded["stage"], loaded["tags"], loaded["description"]) == ("None", {"by": "arm"}, "of ARM")
    searched = told["searched"]
    assert (searched["models"], searched["like"]) == (["from-arm", "from-mlflow"], ["from-arm"])
    assert (searched["versions"], searched["tagged"]) == (["2", "1"], ["from-arm"])
    assert searched["newest"] == [["2", "None"]]
    assert (told["archived"]["stages"], told["archived"]["active"]) == (["Archived"], [])
    assert (told["archived"]["stage"], told["restored"]["active"]) == ("Archived", ["1"])
    ended = told["ended"]
    assert (ended["copied"], ended["left"], ended["versions"]) == ("1", ["empty", "from-arm"], ["1"])
    refused = {
        name: ended[name].partition(":")[0] for name in ("twice", "missing", "nowhere", "local", "filter", "alias")
    }
    assert refused == {
        "twice": "RESOURCE_ALREADY_EXISTS",
        "missing": "RESOURCE_DOES_NOT_EXIST",
        "nowhere": "RESOURCE_DOES_NOT_EXIST",
        "local": "INVALID_PARAMETER_VALUE",
        "filter": "INVALID_PARAMETER_VALUE",
        "alias": "NOT_IMPLEMENTED",
    }
