"""Sweeps as nodes of pipelines: trials, the best one's outputs, what is rejected, cancel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import Azure
from tests.emulator.commands import anonymous, children, code, log, pipeline, put_blob, read
from tests.emulator.test_job_recovery import processes_of, until
from tests.emulator.test_job_submission import API, history, submit, wait
from tests.emulator.test_sweep import SCRIPT

FOLDER = {"type": "uri_folder"}
LOG = "logs/azureml/executionlogs.txt"


def sweep_node(component: str, space: dict[str, Any], **more: Any) -> dict[str, Any]:
    """As azure-ai-ml sends it."""
    return {
        "type": "sweep",
        "trial": {"componentId": component},
        "sampling_algorithm": {"type": "grid"},
        "objective": {"goal": "maximize", "primary_metric": "acc"},
        "limits": {"max_total_trials": 4, "max_concurrent_trials": 2, "timeout": 600, "trial_timeout": 300},
        "search_space": space,
        **more,
    }


def choice(*values: Any) -> dict[str, Any]:
    return {"type": "choice", "values": list(values)}


def bound(text: str) -> dict[str, str]:
    return {"value": f"${{{{parent.{text}}}}}", "job_input_type": "literal"}


def test_the_outputs_of_a_sweep_are_those_of_its_best_trial(azure: Azure) -> None:
    tried = anonymous(
        azure,
        "python score.py ${{inputs.acc}} && cat ${{inputs.data}} > ${{outputs.out}}/f && echo ${{inputs.acc}} "
        "${{inputs.bs}} >> ${{outputs.out}}/f",
        code=f"azureml:{code(azure, score_py=SCRIPT)}",
        inputs={
            "data": {"type": "uri_file"},
            "acc": {"type": "number"},
            "bs": {"type": "integer", "default": "1"},
        },
        outputs={"out": FOLDER},
    )
    after = anonymous(azure, "cat ${{inputs.a}}/f > ${{outputs.out}}/f", inputs={"a": FOLDER}, outputs={"out": FOLDER})
    nodes = {
        "tune": sweep_node(tried, {"acc": choice(0.1, 0.7), "bs": choice(2)}, inputs={"data": bound("inputs.data")}),
        "after": {
            "componentId": after,
            "inputs": {"a": bound("jobs.tune.outputs.out")},
            "outputs": {"out": {"value": "${{parent.outputs.best}}", "type": "literal"}},
        },
    }
    given = {"data": {"jobInputType": "uri_file", "uri": put_blob(azure, "given.txt", b"given\n")}}
    submit(azure, "tuned", pipeline(nodes, inputs=given, outputs={"best": {"jobOutputType": "uri_folder"}}))
    assert wait(azure, "tuned")["properties"]["status"] == "Completed", log(azure, "tuned", LOG)
    assert read(azure, "azureml/tuned/best/f") == "given\n0.7 2\n"

    [node] = [run for run in children(azure, "tuned") if run["displayName"] == "tune"]
    assert (node["status"], node["runType"]) == ("Completed", "hyperdrive")
    assert (node["properties"]["score"], node["properties"]["best_child_run_id"]) == ("0.7", f"{node['runId']}_1")
    trials = children(azure, node["runId"])
    assert [(run["runId"], run["status"]) for run in trials] == [
        (f"{node['runId']}_0", "Completed"),
        (f"{node['runId']}_1", "Completed"),
    ]
    assert read(azure, f"azureml/{node['runId']}_0/out/f") == "given\n0.1 2\n"
    assert "0.1" in history(azure, trials[0]["runId"])["properties"]["hyperparameters"]
    assert azure.call("GET", f"jobs/{trials[0]['runId']}", api=API).status_code == 200


def test_a_sweep_that_fails_and_one_that_is_canceled(azure: Azure) -> None:
    failing = anonymous(azure, "exit ${{inputs.code}}", inputs={"code": {"type": "integer"}})
    sleeping = anonymous(azure, "sleep ${{inputs.s}}", inputs={"s": {"type": "integer"}})
    nodes = {"bad": sweep_node(failing, {"code": choice(3)}), "long": sweep_node(sleeping, {"s": choice(5353, 5354)})}
    submit(azure, "untuned", pipeline(nodes))
    until(lambda: len(processes_of("sleep 535")) == 2)
    [run] = [each["runId"] for each in children(azure, "untuned") if each["displayName"] == "long"]
    assert azure.call("POST", f"jobs/{run}/cancel", api=API).status_code == 202
    assert wait(azure, "untuned")["properties"]["status"] == "Failed"
    assert not processes_of("sleep 535")
    ends = {each["displayName"]: each["status"] for each in children(azure, "untuned")}
    assert ends == {"bad": "Failed", "long": "Canceled"}
    assert {each["status"] for each in children(azure, run)} == {"Canceled"}
    assert "1 trials failed" in str(history(azure, "untuned")["error"])


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"sampling_algorithm": "bayesian"}, 501, "Bayesian sampling of sweep jobs"),
        ({"search_space": {"n": {"type": "uniform", "min_value": 0, "max_value": 1}}}, 400, "choices only"),
        ({"search_space": {}}, 400, "needs a search space"),
        ({"search_space": {"n": choice("many")}}, 400, "n must be"),
        ({"objective": {}}, 400, "needs a primaryMetric"),
    ],
)
def test_what_a_sweep_in_a_pipeline_cannot_be(azure: Azure, change: dict[str, Any], status: int, why: str) -> None:
    component = anonymous(azure, "echo ${{inputs.n}}", inputs={"n": {"type": "integer"}})
    node = {**sweep_node(component, {"n": choice(1)}), **change}
    assert why in submit(azure, "wrong-node", pipeline({"odd": node}), status).text
