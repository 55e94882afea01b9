"""The run data of every kind of run: its own definition and its own outputs. Jobs are rehearsed here."""

from __future__ import annotations

from typing import Any

import pytest

from phift.emulator.services.jobs.record import Job, Run
from phift.emulator.services.runs.configuration import run_configuration, submitted_part
from tests.emulator.client import Azure
from tests.emulator.test_job_nodes import children, nodes
from tests.emulator.test_job_submission import COMPONENT, STORE, data_plane, pipeline, put_data, served, submit, wait

__all__ = ["served"]


@pytest.fixture(autouse=True)
def data(azure: Azure) -> None:
    put_data(azure)


def run_data(azure: Azure, run: str) -> dict[str, Any]:
    body = {"runId": run, "selectRunMetadata": True, "selectRunDefinition": True, "selectJobSpecification": True}
    found: dict[str, Any] = data_plane(azure, "POST", f"/history/v1.0{azure.workspace}/rundata", body)
    return found


def resolved(azure: Azure, asset: str) -> str:
    path = f"/data/v1.0{azure.workspace}/dataversion/batchGetResolvedUris"
    return str(data_plane(azure, "POST", path, {"values": [asset]})["values"][asset]["uri"])


@pytest.fixture
def finished(azure: Azure) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The node of a finished job, and its steps by name."""
    if azure.call("GET", "jobs/told", api="2024-01-01-preview").status_code == 404:
        submit(azure, "told", pipeline(max_steps="4", num_nodes_finetune="2"))
    assert wait(azure, "told")["properties"]["status"] == "Completed"
    [node] = children(azure, "told")
    return node, {step["displayName"]: step for step in children(azure, node["runId"])}


def test_a_job_is_its_submitted_definition(azure: Azure, finished: Any) -> None:
    found = run_data(azure, "told")
    assert found["runDefinition"]["JobType"] == "Pipeline"
    assert list(found["runDefinition"]["Jobs"]) == ["trainer"]
    assert list(found["runMetadata"]["outputs"]) == ["trained_model"]


def test_a_node_is_a_pipeline_of_its_component_with_the_outputs_of_the_component(azure: Azure, finished: Any) -> None:
    node, _ = finished
    found = run_data(azure, node["runId"])
    definition = found["runDefinition"]
    assert (definition["ComponentId"], definition["ParentJobName"]) == (COMPONENT, "told")
    assert (definition["Jobs"], definition["DisplayName"]) == (None, "trainer")
    assert definition["Inputs"]["max_steps"] == {"value": "4", "job_input_type": "literal"}
    assert list(definition["OutputBindings"]) == ["mlflow_model_folder"]
    asset = found["runMetadata"]["outputs"]["mlflow_model_folder"]["assetId"]
    assert asset == run_data(azure, "told")["runMetadata"]["outputs"]["trained_model"]["assetId"], "one asset"


def test_a_step_is_its_own_configuration_with_its_own_outputs(azure: Azure, finished: Any) -> None:
    _, steps = finished
    reads = {name: sorted(run_data(azure, step["runId"])["runDefinition"]["data"]) for name, step in steps.items()}
    assert reads == {
        "ft_nlp_common_validation": ["mlflow_model_path", "train_file_path"],
        "chat_completion_model_import": ["mlflow_model_path"],
        "chat_completion_datapreprocess": ["train_file_path"],
        "chat_completion_finetune": [],
        "ft_nlp_model_converter": [],
    }
    outputs = {name: run_data(azure, step["runId"])["runMetadata"]["outputs"] for name, step in steps.items()}
    assert {name for name, found in outputs.items() if found} == {"ft_nlp_model_converter"}
    found = run_data(azure, steps["chat_completion_finetune"]["runId"])
    assert found["runMetadata"]["runId"] == steps["chat_completion_finetune"]["runId"]
    definition = found["runDefinition"]
    assert "JobType" not in definition
    assert definition["arguments"] == ["--max_steps", "4", "--num_nodes_finetune", "2"]
    assert definition["nodeCount"] == 2
    train = run_data(azure, steps["chat_completion_datapreprocess"]["runId"])["runDefinition"]["data"][
        "train_file_path"
    ]
    assert train["dataLocation"]["dataPath"] == {
        "datastoreName": "workspaceblobstore",
        "relativePath": "data/train.jsonl",
    }
    details = data_plane(
        azure, "GET", f"/history/v1.0{azure.workspace}/runs/{steps['chat_completion_finetune']['runId']}/details"
    )
    assert details["runDefinition"] == definition


def test_an_output_that_only_another_node_reads_can_be_found(azure: Azure) -> None:
    body = nodes("first", "second", reads={"second": "first"})
    del body["properties"]["outputs"]["first_model"]
    body["properties"]["jobs"]["first"]["outputs"] = {}
    submit(azure, "between", body)
    assert wait(azure, "between")["properties"]["status"] == "Completed"
    first = children(azure, "between")[0]
    asset = run_data(azure, first["runId"])["runMetadata"]["outputs"]["mlflow_model_folder"]["assetId"]
    assert resolved(azure, asset).endswith(f"/paths/azureml/{first['runId']}/mlflow_model_folder/")


def test_a_command_job_has_the_configuration_that_was_sent(azure: Azure) -> None:
    environment = f"{azure.workspace}/environments/mine/versions/3"
    command = {
        "jobType": "Command",
        "command": "python train.py",
        "environmentId": environment,
        "computeId": "",
        "environmentVariables": {"A": "1"},
        "resources": {"instanceCount": 2, "shmSize": "4g"},
        "limits": {"jobLimitsType": "Command", "timeout": "PT1H30M"},
        "distribution": {"distributionType": "PyTorch", "processCountPerInstance": 4},
        "inputs": {"train": {"jobInputType": "uri_file", "uri": f"{STORE}/data/train.jsonl", "mode": "Download"}},
        "outputs": {"model": {"jobOutputType": "uri_folder", "mode": "Upload"}},
    }
    job = Job("c", command, {}, {}, "c", None, False, "", [])
    run = Run("c", "c", "", "job", "", "", 1, compute="cpu")
    found = run_configuration(_NoStore(), job, run)
    assert (found["command"], found["target"], found["nodeCount"]) == ("python train.py", "cpu", 2)
    assert (found["environment"]["name"], found["environment"]["version"]) == ("mine", "3")
    assert (found["maxRunDurationSeconds"], found["docker"]["shmSize"]) == (5400, "4g")
    assert (found["distribution"], found["pyTorch"]["processCount"]) == ("PyTorch", 4)
    assert (found["data"]["train"]["mechanism"], found["outputData"]["model"]["mechanism"]) == ("Download", "Upload")


def test_nodes_and_trials_are_parts_of_what_was_sent() -> None:
    node = {"type": "command", "command": "echo", "environment": "azureml:env:2", "environment_variables": {"B": "2"}}
    job = Job("p", {"jobType": "Pipeline", "jobs": {"n": node}}, {}, {}, "p", None, False, "", [])
    found = run_configuration(_NoStore(), job, Run("r", "p", "p", "step", "n", "", 1, path="n"))
    assert (found["command"], found["environment"]["name"]) == ("echo", "env")
    assert found["environmentVariables"] == {"B": "2"}

    sweep = {"jobType": "Sweep", "computeId": "/x/computes/big", "trial": {"command": "python t.py"}, "inputs": {}}
    job = Job("s", sweep, {}, {}, "s", None, False, "", [])
    trial = Run("s_0", "s", "s", "trial", "", "", 1)
    assert submitted_part(job, trial)["command"] == "python t.py"
    assert run_configuration(_NoStore(), job, trial)["target"] == "big"


class _NoStore:
    """Nothing is looked up for what was sent with the job."""

    def get(self, *key: str) -> None:
        raise AssertionError(key)
