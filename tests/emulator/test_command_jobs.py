"""Command jobs: what the process gets, what becomes of its files, and how it ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.runtime.commands.sandbox import find_sandbox
from tests.emulator.client import Azure
from tests.emulator.commands import (
    STD_LOG,
    anonymous,
    blob,
    children,
    code,
    command,
    log,
    pipeline,
    put_blob,
    read,
    run_command,
)
from tests.emulator.test_job_recovery import processes_of, until
from tests.emulator.test_job_submission import API, STORE, data_plane, history, submit, wait

OUT = {"out": {"jobOutputType": "uri_folder"}}


def test_a_command_reads_inputs_and_leaves_outputs_artifacts_and_a_log(azure: Azure) -> None:
    script = "import sys\nprint(open(sys.argv[1]).read())\nopen(sys.argv[2] + '/copy', 'w').write('copied')\n"
    done = run_command(
        azure,
        "whole",
        "python copy.py ${{inputs.data}} ${{outputs.out}} && mkdir outputs && "
        "echo $COLOR ${{inputs.n}} > outputs/n.txt",
        codeId=code(azure, copy_py=script),
        inputs={
            "data": {"jobInputType": "uri_file", "uri": put_blob(azure, "in/data.txt", b"the data")},
            "n": {"jobInputType": "literal", "value": "3"},
        },
        outputs=OUT,
        environmentVariables={"COLOR": "blue"},
    )
    assert done["status"] == "Completed", history(azure, "whole/details")
    assert read(azure, "azureml/whole/out/copy") == "copied"
    assert read(azure, "ExperimentRun/dcid.whole/outputs/n.txt", "workspaceartifactstore") == "blue 3\n"
    text = log(azure, "whole")
    assert text.startswith(
        "The environment azureml:AzureML-sklearn-1.5:1 is not built: the command runs in that of phift.\n"
    )
    assert "Interpreter: " in text
    assert "sandbox" in text
    assert "the data" in text
    run = history(azure, "whole")
    assert (run["runType"], run["status"]) == ("azureml.scriptrun", "Completed")

    def register(version: str, path: str) -> Any:
        body = {"properties": {"modelType": "custom_model", "modelUri": f"azureml://jobs/whole/outputs/{path}"}}
        return azure.call("PUT", f"models/of-a-job/versions/{version}", body, api="2023-08-01-preview")

    model = register("1", "artifacts/paths/outputs/").json()["properties"]
    assert model["modelUri"].endswith("/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.whole/outputs")
    assert model["jobName"] == "whole"
    for path, why in (("artifacts/paths/none", "No artifacts matching none found"), ("other", "Job output other not")):
        answer = register("2", path)
        assert (answer.status_code, why in answer.json()["error"]["message"]) == (400, True), answer.text


def test_the_first_answer_and_the_statuses_of_a_command_job(azure: Azure) -> None:
    made = submit(azure, "early", command("true", inputs={}, outputs={})).json()["properties"]
    assert made["status"] == "Starting"
    assert made["outputs"]["default"]["uri"].endswith("/ExperimentRun/dcid.early")
    assert wait(azure, "early")["properties"]["status"] == "Completed"


def test_modes_types_and_optional_sections(azure: Azure) -> None:
    put_blob(azure, "folder/a.txt", b"A")
    done = run_command(
        azure,
        "modes",
        "ls ${{inputs.folder}} && echo ${{inputs.direct}} && echo [$[[--n ${{inputs.missing}}]]] && "
        "echo text > ${{outputs.file}} && echo ${{outputs.there}}",
        inputs={
            "folder": {"jobInputType": "uri_folder", "uri": f"{STORE}/folder/", "mode": "Download"},
            "direct": {"jobInputType": "uri_folder", "uri": f"{STORE}/folder/", "mode": "Direct"},
        },
        outputs={
            "file": {"jobOutputType": "uri_file", "uri": f"{STORE}/chosen/${{{{name}}}}/file.txt"},
            "there": {"jobOutputType": "uri_folder", "mode": "Direct"},
        },
    )
    assert done["status"] == "Completed", log(azure, "modes")
    lines = log(azure, "modes").splitlines()
    assert "a.txt" in lines
    assert "[]" in lines
    assert any(line.endswith("/datastores/workspaceblobstore/paths/folder") for line in lines)
    assert any(line.endswith("/datastores/workspaceblobstore/paths/azureml/modes/there") for line in lines)
    assert read(azure, "chosen/modes/file.txt") == "text\n"
    asked = {"runId": "modes", "selectRunMetadata": True}
    told = data_plane(azure, "POST", f"/history/v1.0{azure.workspace}/rundata", asked)["runMetadata"]["outputs"]
    assert {name: each["type"] for name, each in told.items()} == {"file": "UriFile", "there": "UriFolder"}
    path = f"/data/v1.0{azure.workspace}/dataversion/batchGetResolvedUris"
    [found] = data_plane(azure, "POST", path, {"values": [told["file"]["assetId"]]})["values"].values()
    assert (found["uri"].endswith("/paths/chosen/modes/file.txt"), found["type"]) == (True, "UriFile")


def test_an_output_with_a_name_becomes_a_data_asset_or_a_model(azure: Azure) -> None:
    outputs = {
        "rows": {"jobOutputType": "uri_folder", "assetName": "rows"},
        "model": {"jobOutputType": "custom_model", "assetName": "net"},
    }
    text = "echo 1 > ${{outputs.rows}}/r && echo 2 > ${{outputs.model}}/m"
    assert run_command(azure, "names", text, outputs=outputs)["status"] == "Completed"
    data = azure.call("GET", "data/rows/versions/1", api="2023-04-01-preview").json()["properties"]
    assert data["dataUri"].endswith("/paths/azureml/names/rows/")
    model = azure.call("GET", "models/net/versions/1", api="2023-08-01-preview").json()["properties"]
    assert (model["modelType"], model["jobName"]) == ("custom_model", "names")
    again = run_command(
        azure,
        "uses",
        "cat ${{inputs.rows}}/r",
        inputs={"rows": {"jobInputType": "uri_folder", "uri": "azureml:rows:1"}},
    )
    assert (again["status"], log(azure, "uses").splitlines()[-1]) == ("Completed", "1")


def test_plain_mlflow_logs_to_the_run_of_the_job(azure: Azure) -> None:
    script = "import mlflow\nmlflow.log_metric('acc', 0.5)\nmlflow.log_text('hi', 'notes/note.txt')\n"
    done = run_command(azure, "tracked", "python log.py && env", codeId=code(azure, log_py=script))
    assert done["status"] == "Completed", log(azure, "tracked")
    run = data_plane(azure, "GET", f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow/runs/get?run_id=tracked")["run"]
    assert [(metric["key"], metric["value"]) for metric in run["data"]["metrics"]] == [("acc", 0.5)]
    assert run["info"]["status"] == "FINISHED"
    assert read(azure, "ExperimentRun/dcid.tracked/notes/note.txt", "workspaceartifactstore") == "hi"
    variables = dict(line.partition("=")[::2] for line in log(azure, "tracked").splitlines())
    assert variables["AZUREML_RUN_ID"] == variables["MLFLOW_RUN_ID"] == "tracked"
    assert variables["AZUREML_ARM_WORKSPACE_NAME"] == azure.connection.workspace_name
    assert variables["MLFLOW_EXPERIMENT_NAME"] == "commands"


def register(azure: Azure, name: str, uri: str) -> str:
    body = {"properties": {"modelType": "custom_model", "modelUri": uri}}
    made = azure.call("PUT", f"models/{name}/versions/1", body, api="2023-08-01-preview")
    return str(made.json()["properties"]["modelUri"] if made.status_code == 201 else made.json()["error"]["message"])


def test_models_are_registered_from_the_artifacts_of_a_job(azure: Azure) -> None:
    assert run_command(azure, "saves", "mkdir -p outputs/m && echo 1 > outputs/m/w")["status"] == "Completed"
    uri = register(azure, "saved", "azureml://jobs/saves/outputs/artifacts/paths/outputs/m/")
    assert uri.endswith("/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.saves/outputs/m")
    missing = register(azure, "unsaved", "azureml://jobs/saves/outputs/artifacts/paths/outputs/x/")
    assert missing == "No artifacts matching outputs/x found from Job"
    assert register(azure, "unknown", "azureml://jobs/saves/outputs/none") == "Job output none not found"


def test_another_exit_code_than_0_fails_the_job_and_keeps_what_was_written(azure: Azure) -> None:
    text = "echo half > ${{outputs.out}}/half; echo no such thing >&2; exit 3"
    assert run_command(azure, "fails", text, outputs=OUT)["status"] == "Failed"
    error = history(azure, "fails/details")["error"]["error"]
    assert error["code"] == "ExecutionFailed"
    assert "exited with status code 3" in error["message"]
    assert "Error: no such thing" in error["message"]
    assert read(azure, "azureml/fails/out/half") == "half\n"
    run = data_plane(azure, "GET", f"/mlflow/v1.0{azure.workspace}/api/2.0/mlflow/runs/get?run_id=fails")["run"]
    assert run["info"]["status"] == "FAILED"


def test_a_missing_input_fails_the_run_and_not_the_put(azure: Azure) -> None:
    inputs = {"data": {"jobInputType": "uri_file", "uri": f"{STORE}/nowhere.csv"}}
    assert run_command(azure, "nothing", "cat ${{inputs.data}}", inputs=inputs)["status"] == "Failed"
    assert "input data: nothing is at" in history(azure, "nothing")["error"]["error"]["message"]


def test_what_has_no_value_or_no_cluster_is_rejected(azure: Azure) -> None:
    error = submit(azure, "unknown", command("echo ${{inputs.x}}"), 400).json()["error"]
    assert "${{inputs.x}}, which has no value" in error["message"]
    error = submit(azure, "homeless", command("true", computeId="none-such"), 400).json()["error"]
    assert "none-such" in error["message"]
    error = submit(azure, "odd", command("true", limits={"jobLimitsType": "Command", "timeout": "soon"}), 400).json()
    assert "not a duration" in error["error"]["message"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"inputs": {"../x": {"jobInputType": "uri_folder", "uri": f"{STORE}/data"}}}, "name of one of the inputs"),
        ({"inputs": {"..": {"jobInputType": "literal", "value": "1"}}}, "name of one of the inputs"),
        ({"outputs": {"a/../../x": {"jobOutputType": "uri_folder"}}}, "name of one of the outputs"),
        ({"environmentVariables": {"": "x"}}, "name of an environment variable"),
        ({"environmentVariables": {"A=B": "x"}}, "name of an environment variable"),
        ({"environmentVariables": {"A": "x\0"}}, "null characters"),
        ({"command": "echo \0"}, "null characters"),
    ],
)
def test_what_cannot_be_started_is_rejected(azure: Azure, more: dict[str, Any], why: str) -> None:
    body = command("true", **more)
    assert why in submit(azure, "unsafe", body, 400).json()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"resources": {"instanceCount": 2}}, "instance_count 2 is not emulated for commands"),
        (
            {"distribution": {"distributionType": "PyTorch", "processCountPerInstance": 4}},
            "PyTorch distribution over 4 processes is not emulated",
        ),
    ],
)
def test_more_than_one_process_is_accepted_and_fails_with_its_name(azure: Azure, more: dict, why: str) -> None:
    name = f"many-{len(why)}"
    assert run_command(azure, name, "true", **more)["status"] == "Failed"
    assert why in history(azure, name)["error"]["error"]["message"]


def test_a_timeout_cancels_the_job(azure: Azure) -> None:
    began = time.monotonic()
    limits = {"jobLimitsType": "Command", "timeout": "PT1S"}
    done = run_command(azure, "late", "echo begun; sleep 600", limits=limits)
    assert (done["status"], time.monotonic() - began < 300) == ("Canceled", True)
    assert "exceeded its timeout of 1 seconds" in log(azure, "late")


def test_a_cancel_ends_all_that_the_command_started(azure: Azure) -> None:
    submit(azure, "endless", command("(setsid sleep 3131 &) ; setsid sleep 3131 & sleep 3131"))
    until(lambda: processes_of("sleep 3131").count("sleep 3131") == 3)
    assert azure.call("POST", "jobs/endless/cancel", api=API).status_code == 202
    assert wait(azure, "endless")["properties"]["status"] == "Canceled"
    until(lambda: not processes_of("sleep 3131"))


def test_what_a_command_left_behind_ends_with_it(azure: Azure) -> None:
    assert run_command(azure, "daemon", "(setsid sleep 3232 &); sleep 0.2")["status"] == "Completed"
    assert not processes_of("sleep 3232")


@pytest.mark.skipif(not find_sandbox().program, reason="bwrap does not work on this machine")
def test_a_command_in_a_sandbox_writes_to_its_own_folder_alone(azure: Azure, tmp_path: Path) -> None:
    text = f"touch here && mkdir -p ~/x && mktemp && ! touch {tmp_path}/there && ps -e | wc -l > ${{{{outputs.out}}}}/n"
    assert run_command(azure, "boxed", text, outputs=OUT)["status"] == "Completed", log(azure, "boxed")
    assert not list(tmp_path.iterdir())
    assert int(read(azure, "azureml/boxed/out/n")) < 10
    assert "The command runs in a sandbox (bwrap)" in log(azure, "boxed")


def test_a_long_log_arrives_whole(azure: Azure) -> None:
    text = 'python -c \'print("x" * 99 + "\\n", end="") or [print("y" * 99) for _ in range(200000)]\''
    assert run_command(azure, "talks", text)["status"] == "Completed"
    assert log(azure, "talks").count("y" * 99 + "\n") == 200000


def test_two_commands_run_at_the_same_time_and_more_wait(azure: Azure) -> None:
    cores = len(os.sched_getaffinity(0))
    names = [f"crowd-{number}" for number in range(cores + 1)]
    for name in names:
        submit(azure, name, command("sleep 2"))
    wait(azure, names[-1], wanted={"Queued"})
    assert f"{cores} commands run on the {cores} cores" in log(
        azure, names[-1], "system_logs/lifecycler/lifecycler.txt"
    )
    assert {wait(azure, name)["properties"]["status"] for name in names} == {"Completed"}


def test_an_emulator_that_is_killed_leaves_no_process_and_runs_what_was_cut_off_again(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    inputs = {"m": {"jobInputType": "uri_file", "uri": put_blob(azure, "marker.txt", b"x")}}
    folder = {"type": "uri_folder"}
    first = anonymous(azure, "date +%N > ${{outputs.out}}/when", outputs={"out": folder}, is_deterministic=False)
    second = anonymous(
        azure, "sleep 3; cat ${{inputs.a}}/when > ${{outputs.out}}/when", inputs={"a": folder}, outputs={"out": folder}
    )
    made = {"value": "${{parent.jobs.first.outputs.out}}", "job_input_type": "literal"}
    shown = {"value": "${{parent.outputs.result}}", "type": "literal"}
    nodes = {
        "first": {"componentId": first},
        "second": {"componentId": second, "inputs": {"a": made}, "outputs": {"out": shown}},
    }
    submit(azure, "cut-steps", pipeline(nodes, outputs={"result": {"jobOutputType": "uri_folder"}}))
    until(lambda: any(run["status"] == "Completed" for run in children(azure, "cut-steps")))
    submit(azure, "cut-off", command("echo begun; sleep 3", inputs=inputs))
    until(lambda: sum("commands.process" in line for line in processes_of(home)) == 2)
    os.kill(azure.connection.pid, signal.SIGKILL)
    until(lambda: not processes_of(home))
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    assert wait(azure, "cut-off")["properties"]["status"] == "Completed"
    assert log(azure, "cut-off", STD_LOG).count("begun") in (1, 2)
    assert "started again" in log(azure, "cut-off", "system_logs/lifecycler/lifecycler.txt")
    assert blob(azure, "azureml/cut-off/none") is None

    assert wait(azure, "cut-steps")["properties"]["status"] == "Completed"
    ends = [(run["displayName"], run["status"]) for run in children(azure, "cut-steps")]
    assert sorted(ends) == [("first", "Completed"), ("second", "Completed")]
    [run] = [run["runId"] for run in children(azure, "cut-steps") if run["displayName"] == "first"]
    assert read(azure, "azureml/cut-steps/result/when") == read(azure, f"azureml/{run}/out/when")
    text = log(azure, "cut-steps", "logs/azureml/executionlogs.txt")
    assert "Not run again: first." in text
    assert "Metrics may be missing" not in text
