"""Sweep jobs: trials, their values and documents, the best one, limits, early termination."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from tests.emulator.client import Azure
from tests.emulator.commands import children, code, log, read
from tests.emulator.test_job_recovery import processes_of, until
from tests.emulator.test_job_submission import API, history, submit, wait

SWEEP_LOG = "azureml-logs/hyperdrive.txt"
SCRIPT = """
import json, os, sys, time, urllib.request
sys.path.insert(0, os.getcwd())
values = [float(each) for each in sys.argv[1].split(",")]
pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0
url = os.environ["MLFLOW_TRACKING_URI"] + "/api/2.0/mlflow/runs/log-metric"
for step, value in enumerate(values):
    body = {"run_id": os.environ["MLFLOW_RUN_ID"], "key": "acc", "value": value, "step": step,
            "timestamp": int(time.time() * 1000)}
    headers = {"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"], "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)).read()
    time.sleep(pause)
"""
"""Logs as mlflow does, but without importing it: that takes a second and a half a trial."""


def sweep(text: str, space: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {
        "jobType": "Sweep",
        "experimentName": "sweeps",
        "searchSpace": space,
        "samplingAlgorithm": {"samplingAlgorithmType": "Grid"},
        "objective": {"goal": "maximize", "primaryMetric": "acc"},
        "limits": {"jobLimitsType": "Sweep", "maxTotalTrials": 8, "maxConcurrentTrials": 2},
        "trial": {"command": text, "environmentId": "azureml:AzureML-sklearn-1.5:1"},
        "inputs": {},
        "outputs": {},
        **more,
    }
    return {"properties": properties}


def choice(*values: Any) -> list[Any]:
    return ["choice", [list(values)]]


def ended(azure: Azure, job: str, body: dict[str, Any], seconds: float = 90.0) -> dict[str, Any]:
    submit(azure, job, body)
    found: dict[str, Any] = wait(azure, job, seconds)["properties"]
    return found


def scoring(azure: Azure, text: str) -> dict[str, Any]:
    """A trial that logs what the text says."""
    return {"command": text, "environmentId": "azureml:AzureML-sklearn-1.5:1", "codeId": code(azure, score_py=SCRIPT)}


def values_of(azure: Azure, job: str) -> list[dict[str, Any]]:
    return [json.loads(run["properties"]["hyperparameters"]) for run in children(azure, job)]


def test_a_grid_is_tried_and_the_best_trial_is_named(azure: Azure) -> None:
    text = "python score.py ${{search_space.acc}} && echo ${{search_space.kind}} ${{inputs.k}} > ${{outputs.out}}/kind"
    done = ended(
        azure,
        "grid",
        sweep(
            text,
            {"acc": choice(0.1, 0.7), "kind": choice("a", "b")},
            trial=scoring(azure, text),
            inputs={"k": {"jobInputType": "literal", "value": "7"}},
            outputs={"out": {"jobOutputType": "uri_folder"}},
        ),
    )
    assert done["status"] == "Completed", log(azure, "grid", SWEEP_LOG)
    assert values_of(azure, "grid") == [
        {"acc": 0.1, "kind": "a"},
        {"acc": 0.1, "kind": "b"},
        {"acc": 0.7, "kind": "a"},
        {"acc": 0.7, "kind": "b"},
    ]
    bag = done["properties"]
    assert bag["best_child_run_id"] in {"grid_2", "grid_3"}
    assert (bag["score"], bag["runTemplate"]) == ("0.7", "HyperDrive")
    assert json.loads(bag["primary_metric_config"]) == {"name": "acc", "goal": "maximize"}
    assert read(azure, "azureml/grid_3/out/kind") == "b 7\n"
    trial = azure.call("GET", "jobs/grid_3", api="2025-01-01-preview").json()["properties"]
    assert (trial["jobType"], trial["status"], trial["parentJobName"]) == ("Command", "Completed", "grid")
    assert trial["parameters"] == {"acc": 0.7, "kind": "b"}
    assert history(azure, "grid")["runType"] == "hyperdrive"
    assert "Trial grid_0 is Completed; acc: 0.1." in log(azure, "grid", SWEEP_LOG)


def test_random_trials_are_as_many_as_the_limit_and_within_the_space(azure: Azure) -> None:
    space = {"lr": ["loguniform", [-6.0, -1.0]], "n": ["randint", [4]], "q": ["quniform", [0, 10, 5]]}
    body = sweep(
        "test ${{search_space.n}} -lt 4", space, samplingAlgorithm={"samplingAlgorithmType": "Random", "seed": 3}
    )
    body["properties"]["limits"]["maxTotalTrials"] = 3
    assert ended(azure, "random", body)["status"] == "Completed"
    values = values_of(azure, "random")
    assert len(values) == 3
    assert all(0.0024 < each["lr"] < 0.37 and each["q"] in (0, 5, 10) for each in values)
    again = {**body, "properties": {**body["properties"], "displayName": "same seed"}}
    assert ended(azure, "random-again", again)["status"] == "Completed"
    assert values_of(azure, "random-again") == values


def test_a_policy_ends_trials_that_are_behind(azure: Azure) -> None:
    text = "python score.py ${{search_space.accs}} 1"
    space = {"accs": choice("0.9,0.9,0.9,0.9", "0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1,0.1")}
    policy = {"policyType": "Bandit", "slackFactor": 0.1, "evaluationInterval": 1, "delayEvaluation": 0}
    done = ended(azure, "bandit", sweep(text, space, trial=scoring(azure, text), earlyTermination=policy))
    assert done["status"] == "Completed"
    assert [run["status"] for run in children(azure, "bandit")] == ["Completed", "Canceled"]
    assert done["properties"]["best_child_run_id"] == "bandit_0"


def test_failing_trials(azure: Azure) -> None:
    some = ended(azure, "some", sweep("exit ${{search_space.code}}", {"code": choice(0, 1)}))
    assert some["status"] == "Completed"
    assert [run["status"] for run in children(azure, "some")] == ["Completed", "Failed"]
    space = {"code": choice(1, 2, 3, 4, 5, 6, 7, 8)}
    assert ended(azure, "all", sweep("exit ${{search_space.code}}", space))["status"] == "Failed"
    assert len(children(azure, "all")) < 8
    assert "none has completed" in history(azure, "all")["error"]["error"]["message"]
    assert ended(azure, "unknown", sweep("exit ${{search_space.cod}}", {"code": choice(0)}))["status"] == "Failed"
    assert "refers to cod, which has no value" in history(azure, "unknown_0")["error"]["error"]["message"]


def test_timeouts_of_trials_and_of_the_sweep(azure: Azure) -> None:
    body = sweep("sleep ${{search_space.s}}", {"s": choice(0, 60)})
    body["properties"]["limits"]["trialTimeout"] = "PT1S"
    assert ended(azure, "trial-late", body)["status"] == "Completed"
    assert [run["status"] for run in children(azure, "trial-late")] == ["Completed", "Canceled"]
    body = sweep("sleep ${{search_space.s}}", {"s": choice(60, 61, 62)})
    body["properties"]["limits"]["timeout"] = "PT2S"
    assert ended(azure, "late", body)["status"] == "Canceled"
    assert {run["status"] for run in children(azure, "late")} == {"Canceled"}


def test_a_timeout_is_of_the_time_that_commands_take_at_any_speed(azure: Azure) -> None:
    body = sweep("sleep ${{search_space.s}}", {"s": choice(1)})
    body["properties"]["limits"]["timeout"] = "PT60S"
    azure.admin("PUT", "/settings", {"pace": "faithful", "speed": 100})
    try:
        assert ended(azure, "in-time", body)["status"] == "Completed"
    finally:
        azure.admin("PUT", "/settings", {"pace": "fast", "speed": 1})


def test_a_cancel_ends_the_trials(azure: Azure) -> None:
    submit(azure, "endless", sweep("sleep 4747", {"s": choice(1, 2, 3)}))
    until(lambda: processes_of("sleep 4747"))
    assert azure.call("POST", "jobs/endless/cancel", api=API).status_code == 202
    assert wait(azure, "endless")["properties"]["status"] == "Canceled"
    assert {run["status"] for run in children(azure, "endless")} == {"Canceled"}
    until(lambda: not processes_of("sleep 4747"))


def test_a_cancel_of_one_trial_lets_the_others_run(azure: Azure) -> None:
    submit(azure, "without-one", sweep("sleep ${{search_space.s}}", {"s": choice(4848, 0)}))
    until(lambda: processes_of("sleep 4848"))
    assert azure.call("POST", "jobs/without-one_0/cancel", api=API).status_code == 202
    assert wait(azure, "without-one")["properties"]["status"] == "Completed"
    assert [run["status"] for run in children(azure, "without-one")] == ["Canceled", "Completed"]


def test_a_killed_emulator_goes_on_with_the_trials_that_had_not_completed(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    body = sweep("date +%N > ${{outputs.out}}/when; sleep ${{search_space.s}}", {"s": choice(0, 4)})
    body["properties"]["outputs"] = {"out": {"jobOutputType": "uri_folder"}}
    body["properties"]["limits"]["maxConcurrentTrials"] = 1
    submit(azure, "cut", body)
    until(lambda: any(run["status"] == "Completed" for run in children(azure, "cut")))
    until(lambda: any("commands.process" in line and "cut_1" in line for line in processes_of(home)))
    first = read(azure, "azureml/cut_0/out/when")
    os.kill(azure.connection.pid, signal.SIGKILL)
    until(lambda: not processes_of(home))
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    assert wait(azure, "cut")["properties"]["status"] == "Completed"
    assert [(run["runId"], run["status"]) for run in children(azure, "cut")] == [
        ("cut_0", "Completed"),
        ("cut_1", "Completed"),
    ]
    assert read(azure, "azureml/cut_0/out/when") == first, "it is not run again"


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"samplingAlgorithm": {"samplingAlgorithmType": "Bayesian"}}, 501, "Bayesian sampling of sweep jobs"),
        ({"samplingAlgorithm": {"samplingAlgorithmType": "Random", "rule": "Sobol"}}, 501, "by the rule Sobol"),
        ({"searchSpace": {"lr": ["uniform", [0, 1]]}}, 400, "grid sampling takes choices only"),
        ({"searchSpace": {"lr": ["cauchy", [0, 1]]}}, 400, "unknown distribution cauchy"),
        ({"searchSpace": {}}, 400, "needs a search space"),
        ({"objective": {"goal": "best", "primaryMetric": "acc"}}, 400, "minimize or maximize"),
        ({"limits": {"jobLimitsType": "Sweep", "maxTotalTrials": 0}}, 400, "maxTotalTrials must be"),
        ({"earlyTermination": {"policyType": "Bandit"}}, 400, "either slackFactor or slackAmount"),
        (
            {"trial": {"command": "echo ${{inputs.x}}", "environmentId": "azureml:AzureML-sklearn-1.5:1"}},
            400,
            "which has no value",
        ),
        ({"trial": {"command": "true"}}, 400, "needs 'environmentId'"),
    ],
)
def test_what_a_sweep_cannot_be(azure: Azure, change: dict[str, Any], status: int, why: str) -> None:
    body = sweep("true", {"lr": choice(1)}, **change)
    assert why in submit(azure, "wrong", body, status).json()["error"]["message"]
