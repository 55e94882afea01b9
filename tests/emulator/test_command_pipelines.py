"""Pipelines of command components: data between nodes, nested pipelines, parallel nodes, failures, reuse by step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.emulator.client import Azure
from tests.emulator.commands import STD_LOG, anonymous, children, code, log, pipeline, put_blob, read
from tests.emulator.test_job_recovery import processes_of, until
from tests.emulator.test_job_submission import (
    API,
    COMPONENT,
    MODEL,
    STORE,
    data_plane,
    history,
    put_data,
    served,
    submit,
    wait,
)
from tests.emulator.test_registries import call, create_registry, done, reference

__all__ = ["served"]

FOLDER = {"type": "uri_folder"}


def bound(text: str) -> dict[str, str]:
    return {"value": f"${{{{parent.{text}}}}}", "job_input_type": "literal"}


def promoted(name: str) -> dict[str, str]:
    return {"value": f"${{{{parent.outputs.{name}}}}}", "type": "literal"}


def writer(azure: Azure, **spec: Any) -> str:
    """A component that writes its text to a file of its output."""
    inputs = {"text": {"type": "string", "default": "nothing"}}
    text = "echo ${{inputs.text}} > ${{outputs.out}}/file"
    return anonymous(azure, text, inputs=inputs, outputs={"out": FOLDER}, **spec)


def joiner(azure: Azure) -> str:
    """A component that joins the files of two folders."""
    text = "cat ${{inputs.a}}/file $[[${{inputs.b}}/file]] > ${{outputs.out}}/file"
    inputs = {"a": FOLDER, "b": {**FOLDER, "optional": True}}
    return anonymous(azure, text, inputs=inputs, outputs={"out": FOLDER})


def ended(azure: Azure, job: str, body: dict[str, Any]) -> str:
    submit(azure, job, body)
    status: str = wait(azure, job)["properties"]["status"]
    return status


def ends(azure: Azure, job: str) -> dict[str, str]:
    return {run["displayName"]: run["status"] for run in children(azure, job)}


def test_nodes_exist_from_the_start_and_pass_their_data_on(azure: Azure) -> None:
    write, join = writer(azure), joiner(azure)
    body = pipeline(
        {
            "last": {
                "componentId": join,
                "inputs": {"a": bound("jobs.one.outputs.out"), "b": bound("jobs.two.outputs.out")},
                "outputs": {"out": promoted("joined")},
            },
            "one": {"componentId": write, "inputs": {"text": bound("inputs.greeting")}},
            "two": {"componentId": write, "inputs": {"text": {"value": "there", "job_input_type": "literal"}}},
        },
        inputs={"greeting": {"jobInputType": "literal", "value": "hello"}},
        outputs={"joined": {"jobOutputType": "uri_folder", "uri": f"{STORE}/joined/${{{{name}}}}"}},
    )
    submit(azure, "chain", body)
    planned = ends(azure, "chain")
    assert (set(planned), planned["last"]) == ({"one", "two", "last"}, "NotStarted")
    assert wait(azure, "chain")["properties"]["status"] == "Completed", history(azure, "chain")["error"]
    assert read(azure, "joined/chain/file") == "hello\nthere\n"
    runs = {run["displayName"]: run for run in children(azure, "chain")}
    assert {run["runType"] for run in runs.values()} == {"azureml.StepRun"}
    assert runs["last"]["startTimeUtc"] >= max(runs["one"]["endTimeUtc"], runs["two"]["endTimeUtc"])
    assert "is not built" in log(azure, runs["one"]["runId"], STD_LOG)


def test_a_pipeline_inside_a_pipeline(azure: Azure) -> None:
    write, join = writer(azure), joiner(azure)
    inner = anonymous(
        azure,
        "",
        type="pipeline",
        inputs={"word": {"type": "string", "default": "inner"}, "start": FOLDER, "more": {**FOLDER, "optional": True}},
        outputs={"res": FOLDER},
        jobs={
            "w": {"type": "command", "componentId": write, "inputs": {"text": bound("inputs.word")}},
            "j": {
                "type": "command",
                "componentId": join,
                "inputs": {"a": bound("inputs.start"), "b": bound("jobs.w.outputs.out")},
                "outputs": {"out": promoted("res")},
            },
        },
    )
    body = pipeline(
        {
            "first": {"componentId": write, "inputs": {"text": "outer"}},
            "sub": {"type": "pipeline", "componentId": inner, "inputs": {"start": bound("jobs.first.outputs.out")}},
            "end": {
                "componentId": join,
                "inputs": {"a": bound("jobs.sub.outputs.res")},
                "outputs": {"out": promoted("all")},
            },
        },
        outputs={"all": {"jobOutputType": "uri_folder"}},
    )
    assert ended(azure, "nested", body) == "Completed", history(azure, "nested")["error"]
    assert read(azure, "azureml/nested/all/file") == "outer\ninner\n"
    assert ends(azure, "nested") == {"first": "Completed", "sub": "Completed", "end": "Completed"}
    [sub] = [run for run in children(azure, "nested") if run["displayName"] == "sub"]
    below = {run["displayName"]: run["runId"] for run in children(azure, sub["runId"])}
    assert set(below) == {"w", "j"}
    asked = {"runId": below["w"], "selectRunMetadata": True, "selectRunDefinition": True}
    told = data_plane(azure, "POST", f"/history/v1.0{azure.workspace}/rundata", asked)
    assert told["runDefinition"]["command"] == "echo ${{inputs.text}} > ${{outputs.out}}/file"
    assert history(azure, f"{sub['runId']}/details")["status"] == "Completed"
    for run_id in (sub["runId"], below["w"]):
        run = data_plane(azure, "GET", f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow/runs/get?run_id={run_id}")["run"]
        assert run["info"]["status"] == "FINISHED"


def test_independent_nodes_run_at_the_same_time_as_far_as_the_cluster_has_nodes(azure: Azure) -> None:
    compute = {
        "location": "eastus",
        "properties": {
            "computeType": "AmlCompute",
            "properties": {"vmSize": "Standard_F4s_v2", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1}},
        },
    }
    assert azure.wait(azure.call("PUT", "computes/one-node", compute))["status"] == "Succeeded"
    sleeper = anonymous(azure, "sleep 1")
    nodes = {name: {"componentId": sleeper} for name in ("a", "b")}
    assert ended(azure, "together", pipeline(nodes)) == "Completed"
    assert ended(azure, "by-turns", pipeline(nodes, settings={"default_compute": "one-node"})) == "Completed"

    def overlap(job: str) -> bool:
        first, second = sorted(children(azure, job), key=lambda run: str(run["startTimeUtc"]))
        return bool(second["startTimeUtc"] < first["endTimeUtc"])

    assert (overlap("together"), overlap("by-turns")) == (True, False)
    assert "compute one-node has 1 nodes at most" in log(azure, "by-turns", "logs/azureml/executionlogs.txt")


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_failed_node_and_those_after_it(azure: Azure, goes_on: bool) -> None:
    fails = anonymous(azure, "sleep 1; exit 4", outputs={"out": FOLDER})
    nodes = {
        "bad": {"componentId": fails},
        "after": {"componentId": joiner(azure), "inputs": {"a": bound("jobs.bad.outputs.out")}},
        "x": {"componentId": anonymous(azure, "sleep 1")},
        "y": {"componentId": anonymous(azure, "true")},
    }
    job = f"goes-on-{goes_on}"
    assert ended(azure, job, pipeline(nodes, settings={"continue_on_step_failure": goes_on})) == "Failed"
    found = ends(azure, job)
    assert (found["bad"], found["after"]) == ("Failed", "NotStarted")
    assert found["x"] == "Completed"
    error = history(azure, job)["error"]["error"]
    assert "Failed nodes: /bad." in error["message"]
    assert error["details"][0]["code"] == "ExecutionFailed"
    own = Path(azure.admin("GET", "/status")["home"]) / "logs" / "daemon.log"
    assert "Traceback" not in own.read_text(), "that a node fails is no failure of the emulator"


# reuse


def twice(azure: Azure, base: str, **settings: Any) -> dict[str, Any]:
    """A pipeline of a writer, a writer that is not deterministic, and joiners of each."""
    write, join = writer(azure), joiner(azure)
    fresh = writer(azure, is_deterministic=False)
    return pipeline(
        {
            "same": {"componentId": write, "inputs": {"text": base}},
            "fresh": {"componentId": fresh, "inputs": {"text": base}},
            "of-same": {"componentId": join, "inputs": {"a": bound("jobs.same.outputs.out")}},
            "of-fresh": {"componentId": join, "inputs": {"a": bound("jobs.fresh.outputs.out")}},
        },
        settings=settings,
    )


def reused(azure: Azure, job: str) -> set[str]:
    assert wait(azure, job)["properties"]["status"] == "Completed"
    return {run["displayName"] for run in children(azure, job) if run["properties"].get("azureml.isreused")}


def test_a_cancel_of_one_node_lets_the_others_run(azure: Azure) -> None:
    sleeper = anonymous(azure, "sleep 5151; echo > ${{outputs.out}}/file", outputs={"out": FOLDER})
    inside = {"a": {"componentId": sleeper}, "z": {"componentId": writer(azure)}}
    nested = anonymous(
        azure, "", type="pipeline", jobs={name: {"type": "command", **each} for name, each in inside.items()}
    )
    last = {"componentId": joiner(azure), "inputs": {"a": bound("jobs.slow.outputs.out")}}
    nodes = {
        "slow": {"componentId": sleeper},
        "last": last,
        "fast": {"componentId": writer(azure), "inputs": {"text": {"value": "run it", "job_input_type": "literal"}}},
        "group": {"type": "pipeline", "componentId": nested},
    }
    submit(azure, "part", pipeline(nodes))
    until(lambda: ends(azure, "part")["fast"] == "Completed" and ends(azure, "part")["slow"] == "Running")

    def cancel(name: str) -> None:
        [run] = [each["runId"] for each in children(azure, "part") if each["displayName"] == name]
        assert azure.call("POST", f"jobs/{run}/cancel", api=API).status_code == 202
        until(lambda: ends(azure, "part")[name] == "Canceled")
        assert azure.call("POST", f"jobs/{run}/cancel", api=API).status_code == 200

    cancel("group")
    assert ends(azure, "part")["slow"] == "Running"
    cancel("slow")
    assert wait(azure, "part")["properties"]["status"] == "Canceled"
    assert ends(azure, "part") == {"slow": "Canceled", "last": "Canceled", "fast": "Completed", "group": "Canceled"}
    assert not processes_of("sleep 5151")


def test_each_step_is_reused_by_itself(azure: Azure) -> None:
    submit(azure, "reuse-1", twice(azure, "text"))
    assert reused(azure, "reuse-1") == set()
    submit(azure, "reuse-2", twice(azure, "text"))
    assert reused(azure, "reuse-2") == {"same", "of-same"}
    runs = {run["displayName"]: run for run in children(azure, "reuse-2")}
    assert read(azure, f"azureml/{runs['of-same']['runId']}/out/file") == "text\n"
    assert runs["same"]["properties"]["azureml.reusedpipelinerunid"] == "reuse-1"
    submit(azure, "reuse-3", twice(azure, "text", force_rerun=True))
    assert reused(azure, "reuse-3") == set()
    submit(azure, "reuse-4", twice(azure, "other"))
    assert reused(azure, "reuse-4") == set()


# inputs


def test_outputs_of_nodes_that_name_assets_are_registered(azure: Azure) -> None:
    inner = {"job_output_type": "uri_folder", "name": "of-node", "version": "7"}
    nodes = {
        "inner": {"componentId": writer(azure), "outputs": {"out": inner}},
        "outer": {
            "componentId": writer(azure),
            "inputs": {"text": {"value": "other", "job_input_type": "literal"}},
            "outputs": {"out": {**promoted("res"), "name": "of-bound"}},
        },
    }
    body = pipeline(nodes, outputs={"res": {"jobOutputType": "uri_folder"}}, settings={"force_rerun": True})
    assert ended(azure, "names", body) == "Completed", history(azure, "names")["error"]
    made = azure.call("GET", "data/of-node/versions/7").json()["properties"]
    assert made["dataUri"].rstrip("/").endswith("/out")
    assert azure.call("GET", "data/of-bound/versions/1").json()["properties"]["dataUri"].endswith("azureml/names/res/")


def test_inputs_of_a_group_and_outputs_that_are_not_sent(azure: Azure) -> None:
    text = "echo ${{inputs.word}} ${{inputs.n}} > ${{outputs.out}}/file"
    write = anonymous(
        azure, text, inputs={"word": {"type": "string"}, "n": {"type": "integer"}}, outputs={"out": FOLDER}
    )
    group = {"word": {"type": "string", "default": "by default"}, "n": {"type": "integer"}}
    component = anonymous(
        azure,
        "",
        type="pipeline",
        inputs={"say": {"type": "group", "values": group}},
        outputs={"res": FOLDER},
        jobs={
            "w": {
                "type": "command",
                "componentId": write,
                "inputs": {"word": bound("inputs.say.word"), "n": bound("inputs.say.n")},
                "outputs": {"out": promoted("res")},
            }
        },
    )
    inputs = {"say.n": {"jobInputType": "literal", "value": "7"}}
    body = {"properties": {"jobType": "Pipeline", "componentId": component, "inputs": inputs}}
    assert ended(azure, "grouped", body) == "Completed", history(azure, "grouped")["error"]
    inline = {"w": {"componentId": write, "inputs": {"word": bound("inputs.say.word"), "n": bound("inputs.say.n")}}}
    body["properties"]["jobs"] = inline
    assert ended(azure, "grouped-inline", body) == "Completed", history(azure, "grouped-inline")["error"]
    node = {"componentId": component, "type": "pipeline", "inputs": {"say.n": "8", "say.word": "again"}}
    node["outputs"] = {"res": promoted("res")}
    body = pipeline({"node": node}, outputs={"res": {"jobOutputType": "uri_folder"}})
    assert ended(azure, "grouped-2", body) == "Completed", history(azure, "grouped-2")["error"]
    assert read(azure, "azureml/grouped-2/res/file") == "again 8\n"


def test_inputs_are_checked_against_the_component(azure: Azure) -> None:
    node = {"componentId": anonymous(azure, "echo ${{inputs.n}}", inputs={"n": {"type": "integer"}})}
    error = submit(azure, "check", pipeline({"n": {**node, "inputs": {"n": "many"}}}), 400).json()["error"]
    assert "n must be a whole number" in error["message"]
    assert "is required" in submit(azure, "check", pipeline({"n": node}), 400).json()["error"]["message"]
    folder = {"componentId": anonymous(azure, "cat ${{inputs.data}}", inputs={"data": FOLDER})}
    file = {"data": {"uri": put_blob(azure, "file.txt", b"read"), "job_input_type": "uri_file"}}
    submit(azure, "file-for-folder", pipeline({"n": {**folder, "inputs": file}}))
    assert wait(azure, "file-for-folder")["properties"]["status"] == "Completed"
    gone = azure.workspace + "/components/none/versions/1"
    assert submit(azure, "check", pipeline({"n": {"componentId": gone}}), 404).json()["error"]["code"] == "NotFound"


# with components of registries


def test_a_component_of_a_registry_that_was_created_brings_its_code(azure: Azure) -> None:
    create_registry(azure, "team", "eastus")
    spec = {
        "type": "command",
        "command": "python say.py ${{inputs.n}}",
        "environment": "azureml:AzureML-sklearn-1.5:1",
        "code": f"azureml:{code(azure, say_py='import sys; print(sys.argv[1:])')}",
        "inputs": {"n": {"type": "integer", "default": 5}},
    }
    body = {"properties": {"componentSpec": {"name": "say", "version": "1", **spec}}}
    assert azure.call("PUT", "components/say/versions/1", body, api=API).status_code == 201
    guid = azure.call("GET", azure.workspace, api="2024-10-01-preview").json()["properties"]["workspaceId"]
    source = f"azureml://locations/eastus/workspaces/{guid}/components/say/versions/1"
    shared = call(azure, "POST", "team", "import", reference(source, "say", "1"))
    assert done(azure, shared).status_code == 200, shared.text
    for job, version in (("by-version", "versions/1"), ("by-label", "labels/latest")):
        node = {"componentId": f"azureml://registries/team/components/say/{version}"}
        assert ended(azure, job, pipeline({"say": node})) == "Completed", history(azure, job)["error"]
    [child] = children(azure, "by-version")
    assert log(azure, child["runId"]).splitlines()[-1] == "['5']"
    error = submit(azure, "gone", pipeline({"say": {"componentId": node["componentId"] + "x"}}), 404).json()["error"]
    assert "Not found component say" in error["message"]


def test_a_command_prepares_the_data_of_a_fine_tune(azure: Azure) -> None:
    """Jobs are rehearsed here; the command runs."""
    put_data(azure)
    prepare = anonymous(
        azure,
        "cp ${{inputs.raw}} ${{outputs.rows}}",
        inputs={"raw": {"type": "uri_file"}},
        outputs={"rows": {"type": "uri_file"}},
    )
    count = anonymous(
        azure,
        "ls ${{inputs.model}} > ${{outputs.out}}/list",
        inputs={"model": {"type": "mlflow_model"}},
        outputs={"out": FOLDER},
    )
    body = pipeline(
        {
            "prepare": {
                "componentId": prepare,
                "inputs": {"raw": {"uri": f"{STORE}/data/train.jsonl", "job_input_type": "uri_file"}},
            },
            "trainer": {
                "type": "pipeline",
                "componentId": COMPONENT,
                "inputs": {
                    "mlflow_model_path": {"uri": MODEL, "job_input_type": "mlflow_model"},
                    "train_file_path": bound("jobs.prepare.outputs.rows"),
                    "instance_type_finetune": {"value": "Standard_NC24ads_A100_v4", "job_input_type": "literal"},
                },
                "outputs": {"mlflow_model_folder": promoted("model")},
            },
            "look": {
                "componentId": count,
                "inputs": {"model": bound("jobs.trainer.outputs.mlflow_model_folder")},
                "outputs": {"out": promoted("listing")},
            },
        },
        outputs={"model": {"jobOutputType": "mlflow_model"}, "listing": {"jobOutputType": "uri_folder"}},
    )
    assert ended(azure, "mixed", body) == "Completed", history(azure, "mixed")["error"]
    assert "MLmodel" in read(azure, "azureml/mixed/listing/list")
    run = data_plane(azure, "POST", f"/history/v1.0{azure.workspace}/rundata", {"runId": "mixed"})["runMetadata"]
    assert set(run["outputs"]) == {"model", "listing"}


def test_a_child_has_no_properties_and_a_model_can_be_registered_from_it(azure: Azure) -> None:
    submit(azure, "shown", pipeline({"only": {"componentId": writer(azure)}}))
    assert wait(azure, "shown")["properties"]["status"] == "Completed"
    [child] = children(azure, "shown")
    assert "properties" not in azure.call("GET", f"jobs/{child['runId']}", api=API).json()
    uri = f"azureml://jobs/{child['runId']}/outputs/out"
    body = {"properties": {"modelType": "custom_model", "modelUri": uri}}
    made = azure.call("PUT", "models/of-child/versions/1", body, api="2023-08-01-preview")
    assert made.json()["properties"]["modelUri"].endswith(f"/paths/azureml/{child['runId']}/out")
