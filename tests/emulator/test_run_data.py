"""The run data of every kind of run: its own definition and its own outputs. Jobs are rehearsed here."""

from __future__ import annotations

from typing import Any

import pytest

from phift.emulator.core.store import Store
from phift.emulator.services.jobs.record import Job, Run
from phift.emulator.services.runs.configuration import run_configuration
from tests.emulator.client import Azure
from tests.emulator.commands import anonymous, run_command
from tests.emulator.commands import pipeline as pipeline_of
from tests.emulator.test_job_nodes import children, nodes
from tests.emulator.test_job_submission import COMPONENT, STORE, data_plane, pipeline, put_data, served, submit, wait
from tests.emulator.test_sweep import choice, sweep

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
    size = "Standard_NC24ads_A100_v4"
    expected = ["--instance_type_finetune", size, "--max_steps", "4", "--num_nodes_finetune", "2"]
    assert definition["arguments"] == expected
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


def test_a_command_job_has_the_configuration_that_was_sent_and_its_outputs(azure: Azure) -> None:
    azure.call("PUT", "environments/mine/versions/3", {"properties": {"image": "i"}})
    done = run_command(
        azure,
        "said",
        "echo $A > ${{outputs.model}}/m; echo f > ${{outputs.file}}",
        environmentId=f"{azure.workspace}/environments/mine/versions/3",
        environmentVariables={"A": "1"},
        resources={"instanceCount": 1, "shmSize": "4g"},
        limits={"jobLimitsType": "Command", "timeout": "PT1H30M"},
        inputs={"train": {"jobInputType": "uri_file", "uri": f"{STORE}/data/train.jsonl", "mode": "Download"}},
        outputs={"model": {"jobOutputType": "uri_folder", "mode": "Upload"}, "file": {"jobOutputType": "uri_file"}},
    )
    assert done["status"] == "Completed"
    found = run_data(azure, "said")
    definition = found["runDefinition"]
    assert (definition["command"], definition["nodeCount"]) == (
        "echo $A > ${{outputs.model}}/m; echo f > ${{outputs.file}}",
        1,
    )
    assert (definition["environment"]["name"], definition["environment"]["version"]) == ("mine", "3")
    assert (definition["maxRunDurationSeconds"], definition["docker"]["shmSize"]) == (5400, "4g")
    assert definition["environmentVariables"] == {"A": "1"}
    assert definition["data"]["train"]["mechanism"] == "Download"
    assert definition["outputData"]["model"]["mechanism"] == "Upload"
    outputs = found["runMetadata"]["outputs"]
    assert {name: output["type"] for name, output in outputs.items()} == {"model": "UriFolder", "file": "UriFile"}
    assert resolved(azure, outputs["model"]["assetId"]).endswith("/paths/azureml/said/model/")
    assert resolved(azure, outputs["file"]["assetId"]).endswith("/paths/azureml/said/file")


def test_a_command_node_has_what_its_component_says(azure: Azure) -> None:
    image = {"properties": {"image": "an-image"}}
    assert azure.call("PUT", "environments/mine/versions/3", image, api="2023-04-01-preview").ok
    component = anonymous(
        azure,
        "echo ${{inputs.text}} > ${{outputs.out}}/file",
        inputs={"text": {"type": "string", "default": "hi"}},
        outputs={"out": {"type": "uri_folder"}},
        environment="azureml:mine:3",
    )
    submit(azure, "nodes", pipeline_of({"first": {"componentId": component}}))
    assert wait(azure, "nodes")["properties"]["status"] == "Completed"
    [node] = children(azure, "nodes")
    found = run_data(azure, node["runId"])
    assert found["runDefinition"]["command"] == "echo ${{inputs.text}} > ${{outputs.out}}/file"
    assert "JobType" not in found["runDefinition"]
    place = resolved(azure, found["runMetadata"]["outputs"]["out"]["assetId"])
    assert place.endswith(f"/paths/azureml/{node['runId']}/out/")
    assert run_data(azure, "nodes")["runMetadata"]["outputs"] == {}


def test_a_node_may_name_its_component_by_a_label(azure: Azure) -> None:
    for version in ("1", "2"):
        spec = {"name": "labelled", "version": version, "type": "command", "command": f"echo {version}"}
        body = {"properties": {"componentSpec": spec}}
        path = f"components/labelled/versions/{version}"
        assert azure.call("PUT", path, body, api="2024-01-01-preview").status_code == 201
    label = f"{azure.workspace}/components/labelled/labels/default"
    submit(azure, "labelled", pipeline_of({"first": {"componentId": label}}))
    assert wait(azure, "labelled")["properties"]["jobs"]["first"]["componentId"] == label
    [node] = children(azure, "labelled")
    assert run_data(azure, node["runId"])["runDefinition"]["command"] == "echo 2"
    missing = pipeline_of({"first": {"componentId": label.replace("labelled", "nobody")}})
    assert submit(azure, "nobody", missing, 404).json()["error"]["code"] == "NotFound"


def test_a_trial_is_the_command_of_its_sweep_with_outputs_of_its_own(azure: Azure) -> None:
    text = "echo ${{search_space.x}} > ${{outputs.out}}/file"
    body = sweep(text, {"x": choice(1, 2)}, outputs={"out": {"jobOutputType": "uri_folder"}})
    submit(azure, "swept", body)
    wait(azure, "swept")
    assert run_data(azure, "swept")["runDefinition"]["JobType"] == "Sweep"
    assert run_data(azure, "swept")["runMetadata"]["outputs"] is None
    found = run_data(azure, "swept_1")
    assert found["runDefinition"]["command"] == text
    assert resolved(azure, found["runMetadata"]["outputs"]["out"]["assetId"]).endswith("/azureml/swept_1/out/")


def test_a_node_that_nothing_runs_is_the_part_of_the_request_that_names_it() -> None:
    node = {"type": "spark", "environment": "azureml:env:2", "environment_variables": {"B": "2"}}
    job = Job("p", {"jobType": "Pipeline", "jobs": {"n": node}}, {}, {}, "p", None, False, "", [])
    found = run_configuration(_NoStore(), job, Run("r", "p", "p", "step", "n", "", 1, path="n"))
    assert found["environment"]["name"] == "env"
    assert found["environmentVariables"] == {"B": "2"}


class _NoStore(Store):
    """Nothing is looked up for what was sent with the job."""

    def __init__(self) -> None:
        return
