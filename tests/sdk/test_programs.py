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
    assert told["model"]["id"] == "azureml://registries/azureml-msr/models/microsoft-phi-2/versions/23"
    assert told["streamed"]["status"] == "Completed"
    assert told["metrics"]["runs"] == 7
    assert {"epoch", "loss", "eval_loss"} <= set(told["metrics"]["metrics"])
    assert told["endpoint"]["traffic"] == {"demo": 100}
    assert len(told["answer"]["texts"]) == 2
    assert told["deleted"]["left"] is False


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
