"""Pipelines of several nodes: order, continue_on_step_failure, reuse of steps. Jobs are rehearsed here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import Azure
from tests.emulator.test_job_recovery import until
from tests.emulator.test_job_submission import (
    API,
    COMPONENT,
    STORE,
    data_plane,
    history,
    pipeline,
    put_data,
    served,
    submit,
    wait,
)

__all__ = ["served"]


@pytest.fixture(autouse=True)
def data(azure: Azure) -> None:
    put_data(azure)


def nodes(*names: str, reads: dict[str, str] | None = None, **settings: Any) -> dict[str, Any]:
    """A pipeline of fine-tunes. reads: from which node one takes its model, by name."""
    body = pipeline()
    properties = body["properties"]
    node = properties["jobs"].pop("trainer")
    properties["outputs"] = {}
    for name in names:
        inputs = dict(node["inputs"])
        if source := (reads or {}).get(name):
            bound = f"${{{{parent.jobs.{source}.outputs.mlflow_model_folder}}}}"
            inputs["mlflow_model_path"] = {"value": bound, "job_input_type": "literal"}
        output = {"value": f"${{{{parent.outputs.{name}_model}}}}", "type": "literal"}
        properties["jobs"][name] = {**node, "name": name, "inputs": inputs, "outputs": {"mlflow_model_folder": output}}
        properties["outputs"][f"{name}_model"] = {"mode": "ReadWriteMount", "jobOutputType": "mlflow_model"}
    properties["settings"] = {"_source": "DSL", "force_rerun": True, **settings}
    return body


def test_a_cancel_of_a_step_cancels_its_node(azure: Azure) -> None:
    submit(azure, "stepped", pipeline(tags={"rehearsal.seconds": "60"}))
    until(
        lambda: any(step["status"] == "Running" for node in children(azure, "stepped") for step in below(azure, node))
    )
    [node] = children(azure, "stepped")
    step = below(azure, node)[-1]["runId"]
    assert azure.call("POST", f"jobs/{step}/cancel", api=API).status_code == 202
    assert wait(azure, "stepped")["properties"]["status"] == "Canceled"
    assert [run["status"] for run in (*children(azure, "stepped"), below(azure, node)[-1])] == ["Canceled", "Canceled"]


def below(azure: Azure, run: dict[str, Any]) -> list[dict[str, Any]]:
    return children(azure, run["runId"])


def fails(body: dict[str, Any], node: str) -> dict[str, Any]:
    body["properties"]["tags"] = {"rehearsal.fail": f"{node}/chat_completion_finetune: out of memory"}
    return body


def children(azure: Azure, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = history(azure, f"{run}/children")["value"]
    return found


def ends(azure: Azure, job: str) -> dict[str, str]:
    """How the nodes of a job ended, in the order they ran."""
    return {run["displayName"]: run["status"] for run in children(azure, job)}


def log(azure: Azure, run: str, name: str = "logs/azureml/executionlogs.txt") -> str:
    return azure.session.get(history(azure, f"{run}/details")["logFiles"][name]).text


def test_a_node_runs_after_those_it_reads_from(azure: Azure) -> None:
    submit(azure, "chain", nodes("second", "first", reads={"second": "first"}))
    assert wait(azure, "chain")["properties"]["status"] == "Completed"
    assert list(ends(azure, "chain")) == ["first", "second"]
    run = data_plane(azure, "POST", f"/history/v1.0{azure.workspace}/rundata", {"runId": "chain"})["runMetadata"]
    assert set(run["outputs"]) == {"first_model", "second_model"}


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"first": "second", "second": "first"}, 400, "wait for each other's outputs"),
        ({"second": "nobody"}, 400, "there is no other node of that name"),
        ({"second": "second"}, 400, "there is no other node of that name"),
    ],
)
def test_bindings_that_make_no_sense(azure: Azure, change: dict[str, str], status: int, why: str) -> None:
    error = submit(azure, "senseless", nodes("first", "second", reads=change), status).json()["error"]
    assert why in error["message"]


def test_a_binding_to_an_output_that_the_component_has_not(azure: Azure) -> None:
    body = nodes("first", "second", reads={"second": "first"})
    bound = body["properties"]["jobs"]["second"]["inputs"]["mlflow_model_path"]
    bound["value"] = "${{parent.jobs.first.outputs.nothing}}"
    error = submit(azure, "senseless", body, 400).json()["error"]
    assert error["target"] == "properties.jobs.second.inputs.mlflow_model_path"
    bound["value"] = "${{parent.jobs.first.outputs.pytorch_model_folder}}"
    assert "must be a mlflow_model" in submit(azure, "senseless", body, 400).json()["error"]["message"]


def test_after_a_failure_independent_nodes_run_only_where_the_settings_say_so(azure: Azure) -> None:
    both = ("one", "two", "three")
    reads = {"two": "one"}
    submit(azure, "goes-on", fails(nodes(*both, reads=reads, continue_on_step_failure=True), "one"))
    submit(azure, "by-default", fails(nodes(*both, reads=reads), "one"))
    submit(azure, "stops", fails(nodes(*both, reads=reads, continue_on_step_failure=False), "one"))
    for job in ("goes-on", "by-default", "stops"):
        document = wait(azure, job)
        assert document["properties"]["status"] == "Failed"
        said = document["properties"]["properties"]["azureml.continue_on_step_failure"]
        assert said == str(job != "stops")
    assert ends(azure, "goes-on") == {"one": "Failed", "two": "NotStarted", "three": "Completed"}
    assert ends(azure, "by-default") == {"one": "Failed", "two": "NotStarted", "three": "Completed"}
    assert ends(azure, "stops") == {"one": "Failed", "two": "NotStarted", "three": "NotStarted"}
    assert "Node two is not run: one has not completed." in log(azure, "goes-on")
    assert "Node three is not run: continue_on_step_failure is false." in log(azure, "stops")
    error = history(azure, "goes-on")["error"]["error"]
    assert "Failed nodes: /one/chat_completion_finetune." in error["message"]


def test_a_pipeline_that_is_one_component_names_it(azure: Azure) -> None:
    body = pipeline()
    node = body["properties"]["jobs"].pop("trainer")
    body["properties"] |= {
        "componentId": COMPONENT,
        "jobs": {},
        "inputs": {
            "mlflow_model_path": {"uri": node["inputs"]["mlflow_model_path"]["uri"], "jobInputType": "mlflow_model"},
            "train_file_path": {"uri": f"{STORE}/data/train.jsonl", "jobInputType": "uri_file"},
            "max_steps": {"value": "3", "jobInputType": "literal"},
            "instance_type_finetune": {"value": "Standard_NC24ads_A100_v4", "jobInputType": "literal"},
        },
        "outputs": {"mlflow_model_folder": {"jobOutputType": "mlflow_model"}},
    }
    made = submit(azure, "direct", body).json()["properties"]
    assert (made["componentId"], made["jobs"]) == (COMPONENT, {})
    assert made["inputs"]["train_file_path"]["mode"] == "ReadOnlyMount"
    assert made["outputs"]["mlflow_model_folder"]["mode"] == "ReadWriteMount"
    done = wait(azure, "direct")["properties"]
    assert (done["status"], done["properties"]["azureml.SourceComponentId"]) == ("Completed", COMPONENT)
    assert ends(azure, "direct") == {"chat_completion_pipeline": "Completed"}


# reuse


def once(name: str, **parameters: str) -> dict[str, Any]:
    """A pipeline of one node that may be reused. name: of its experiment and of its parameters' values."""
    body = pipeline(**parameters)
    body["properties"]["settings"] = {"_source": "DSL"}
    body["properties"]["experimentName"] = name
    return body


def steps_of(azure: Azure, job: str) -> list[dict[str, Any]]:
    [node] = children(azure, job)
    return children(azure, node["runId"])


def reused(azure: Azure, job: str) -> bool:
    assert wait(azure, job)["properties"]["status"] == "Completed"
    marks = {step["properties"].get("azureml.isreused") for step in steps_of(azure, job)}
    assert len(marks) == 1
    return marks == {"true"}


def test_a_step_that_was_run_with_the_same_inputs_is_reused(azure: Azure) -> None:
    submit(azure, "origin", once("reuse", max_steps="5"))
    assert not reused(azure, "origin")
    submit(azure, "again", once("another-experiment", max_steps="5"))
    assert reused(azure, "again")
    first, second = steps_of(azure, "origin")[0], steps_of(azure, "again")[0]
    assert (
        second["properties"]
        | {
            "azureml.reusedrunid": first["runId"],
            "azureml.reusednodeid": first["runId"].split("-")[0],
            "azureml.reusedpipeline": "origin",
            "azureml.reusedpipelinerunid": "origin",
        }
        == second["properties"]
    )
    assert second["dataContainerId"] == f"dcid.{first['runId']}"
    assert (second["duration"], second["compute"], second["computeRequest"]) == ("00:00:00", None, None)
    assert second["runTypeV2"]["traits"] == ["azureml.StepRun"]
    assert log(azure, second["runId"], "user_logs/std_log.txt") == log(azure, first["runId"], "user_logs/std_log.txt")

    run = data_plane(azure, "POST", f"/history/v1.0{azure.workspace}/rundata", {"runId": "again"})["runMetadata"]
    asset = run["outputs"]["trained_model"]["assetId"]
    assert asset.endswith("/data/azureml_origin_output_data_trained_model/versions/1"), "of the job that made it"
    resolved = data_plane(
        azure, "POST", f"/data/v1.0{azure.workspace}/dataversion/batchGetResolvedUris", {"values": [asset]}
    )
    assert resolved["values"][asset]["uri"].endswith("/paths/azureml/origin/trained_model/")
    model = {"properties": {"modelType": "mlflow_model", "modelUri": "azureml://jobs/again/outputs/trained_model"}}
    made = azure.call("PUT", "models/reused/versions/1", model, api="2023-08-01-preview")
    assert (made.status_code, list(made.json()["properties"]["flavors"])) == (201, ["python_function", "transformers"])


def test_what_keeps_a_step_from_being_reused(azure: Azure) -> None:
    submit(azure, "base", once("keeps", max_steps="6"))
    assert not reused(azure, "base")
    forced = once("keeps", max_steps="6")
    forced["properties"]["settings"]["force_rerun"] = True
    submit(azure, "forced", forced)
    assert not reused(azure, "forced")
    submit(azure, "otherwise", once("keeps", max_steps="7"))
    assert not reused(azure, "otherwise")
    submit(azure, "elsewhere", once("keeps", max_steps="6", instance_type_finetune="Standard_NC48ads_A100_v4"))
    assert reused(azure, "elsewhere"), "where it runs is not what it makes"


def test_other_content_at_the_same_place_is_seen_unless_only_places_count(azure: Azure) -> None:
    submit(azure, "old-data", once("content", max_steps="8"))
    assert not reused(azure, "old-data")
    container = azure.call("GET", "datastores/workspaceblobstore", api="2024-10-01-preview").json()["properties"]
    url = f"https://{container['accountName']}.blob.core.windows.net/{container['containerName']}/data/train.jsonl"
    row = b'{"messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}]}\n'
    headers = {
        "Authorization": f"Bearer {azure.token('https://storage.azure.com')}",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-version": "2025-01-05",
    }
    assert azure.session.put(url, data=row, headers=headers).status_code == 201
    submit(azure, "new-data", once("content", max_steps="8"))
    assert not reused(azure, "new-data")
    azure.admin("PUT", "/assumed", {"reuse_looks_at_content": False})
    try:
        submit(azure, "by-place", once("content", max_steps="8"))
        assert not reused(azure, "by-place"), "nothing was kept by its place yet"
        put_data(azure)
        submit(azure, "by-place-again", once("content", max_steps="8"))
        assert reused(azure, "by-place-again")
    finally:
        azure.admin("PUT", "/assumed", {"reuse_looks_at_content": True})


def test_a_deleted_job_is_not_reused(azure: Azure) -> None:
    submit(azure, "doomed", once("deleted", max_steps="9"))
    wait(azure, "doomed")
    azure.call("DELETE", "jobs/doomed", api=API)
    while azure.call("GET", "jobs/doomed", api=API).status_code != 404:
        pass
    submit(azure, "heir", once("deleted", max_steps="9"))
    assert not reused(azure, "heir")


def test_nodes_that_read_from_reused_ones_are_reused_too(azure: Azure) -> None:
    body = nodes("first", "second", reads={"second": "first"}, force_rerun=False)
    for node in body["properties"]["jobs"].values():
        node["inputs"]["max_steps"] = {"value": "11", "job_input_type": "literal"}
    submit(azure, "chain-1", body)
    assert wait(azure, "chain-1")["properties"]["status"] == "Completed"
    submit(azure, "chain-2", body)
    assert wait(azure, "chain-2")["properties"]["status"] == "Completed"
    for node in children(azure, "chain-2"):
        assert {step["properties"].get("azureml.isreused") for step in children(azure, node["runId"])} == {"true"}
