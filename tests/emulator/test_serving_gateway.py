"""The scoring gateway in front of a real inference server that runs a script of the test's own."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.serving import API, Serving, refused, until

SCRIPT = """
import json, os, time
from azureml_inference_server_http.api.aml_response import AMLResponse
from flask import Response

def init():
    pass

def run(data):
    asked = json.loads(data)
    time.sleep(asked.get("sleep", 0))
    if "fail" in asked:
        raise RuntimeError("asked to fail")
    if "status" in asked:
        return AMLResponse("no", asked["status"])
    if "kill" in asked:
        os.kill(os.getppid(), 9)
        os._exit(1)
    if "stream" in asked:
        return Response((f"part {i}\\n" for i in range(asked["stream"])), mimetype="text/plain")
    return {"variant": os.environ["VARIANT"], "model": sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"]))}
"""


def build(azure: Azure, *names: str) -> str:
    """An endpoint with deployments of one instance each, all the traffic on the first one."""
    serving = Serving(azure)
    serving.endpoint("gate")
    model = serving.model("gate", {"weights.bin": b"0"}, "custom_model")
    code = {"codeId": serving.code("gate", SCRIPT), "scoringScript": "score.py"}
    settings = {"requestTimeout": "PT2S", "maxConcurrentRequestsPerInstance": 1}
    started = [
        serving.put_deployment(
            "gate",
            name,
            model,
            codeConfiguration=code,
            requestSettings=settings,
            environmentVariables={"VARIANT": name},
        )
        for name in names
    ]
    for each in started:
        serving.ok(each)
    serving.endpoint("gate", traffic={names[0]: 100})
    return "gate"


@pytest.fixture(scope="module")
def endpoint(served: Connection) -> Iterator[str]:
    """Blue with all the traffic and green with none."""
    azure = Azure(served)
    with azure.session:
        yield build(azure, "blue", "green")


@pytest.fixture
def serving(azure: Azure) -> Serving:
    return Serving(azure)


def test_scripts_get_model_variables_and_requests(serving: Serving, endpoint: str) -> None:
    answer = serving.score(endpoint, {}, **{"x-ms-client-request-id": "mine!" + "x" * 50, "x-request-id": "not-mine"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"variant": "blue", "model": ["gate"]}
    assert answer.headers["azureml-model-deployment"] == "blue"
    assert answer.headers["Server"] == "azureml-frontdoor"
    assert answer.headers["x-ms-run-function-failed"] == "False"
    assert float(answer.headers["x-ms-run-fn-exec-ms"]) >= 0
    assert answer.headers["x-ms-client-request-id"] == "mine" + "x" * 36
    assert len(answer.headers["x-request-id"]) == 36
    shown = serving.get(endpoint, "blue")["properties"]["environmentVariables"]
    assert shown["VARIANT"] == "blue"
    assert shown["AZUREML_ENTRY_SCRIPT"] == "score.py"


def test_a_deployment_without_traffic_is_reached_by_name(serving: Serving, endpoint: str) -> None:
    answer = serving.score(endpoint, {}, deployment="GREEN")
    assert (answer.json()["variant"], answer.headers["azureml-model-deployment"]) == ("green", "green")
    assert serving.score(endpoint, {}, deployment="red").status_code == 404


def test_traffic_is_split_and_can_be_taken_away(serving: Serving, endpoint: str) -> None:
    serving.endpoint(endpoint, traffic={"blue": 50, "GREEN": 50})
    assert serving.get(endpoint)["properties"]["traffic"] == {"blue": 50, "green": 50}
    key = serving.key(endpoint)
    counts = Counter(serving.score(endpoint, {}, key=key).json()["variant"] for _ in range(40))
    assert min(counts["blue"], counts["green"]) > 5, counts
    serving.endpoint(endpoint)
    assert serving.get(endpoint)["properties"]["traffic"] == {}, "a PUT without traffic clears it"
    assert serving.score(endpoint, {}, key=key).status_code == 404
    assert "must be 0 or 100" in refused(serving.put_endpoint(endpoint, traffic={"blue": 60}))["errors"]["Traffic"][0]
    serving.endpoint(endpoint, traffic={"blue": 100})


def test_wrong_credentials(serving: Serving, endpoint: str) -> None:
    url = f"https://{endpoint}.eastus.inference.ml.azure.com/score"
    for header in ("Bearer wrong", "Bearer ", "Basic abc", ""):
        answer = serving.azure.session.post(url, json={}, headers={"Authorization": header} if header else {})
        assert answer.status_code == 401, header
        assert answer.json()["error"]["message"]
    keys = serving.azure.call("POST", f"onlineEndpoints/{endpoint}/listKeys", api=API).json()
    assert serving.score(endpoint, {}, key=keys["secondaryKey"]).status_code == 200
    assert serving.score("nobody", {}, key="k").status_code == 404


def test_tokens_of_both_kinds(serving: Serving, endpoint: str) -> None:
    try:
        serving.endpoint(endpoint, mode="AMLToken", traffic={"blue": 100})
        token = serving.azure.call("POST", f"onlineEndpoints/{endpoint}/token", api=API).json()["accessToken"]
        assert serving.score(endpoint, {}, key=token).status_code == 200
        assert serving.score(endpoint, {}, key=serving.azure.token("https://ml.azure.com")).status_code == 401
        serving.endpoint(endpoint, mode="AADToken", traffic={"blue": 100})
        assert serving.score(endpoint, {}, key=serving.azure.token("https://ml.azure.com")).status_code == 200
        assert serving.score(endpoint, {}, key=serving.azure.token()).status_code == 401
        assert serving.score(endpoint, {}, key=token).status_code == 401
    finally:
        serving.endpoint(endpoint, traffic={"blue": 100})


def test_other_paths_of_the_container(serving: Serving, endpoint: str) -> None:
    headers = {"Authorization": f"Bearer {serving.key(endpoint)}"}
    base = f"https://{endpoint}.eastus.inference.ml.azure.com"
    assert serving.azure.session.get(f"{base}/swagger.json?version=3", headers=headers).json()["openapi"]
    assert serving.azure.session.get(f"{base}/", headers=headers).text == "Healthy"


@pytest.mark.parametrize(("sent", "status"), [({"fail": 1}, "500"), ({"status": 403}, "403"), ("{", "500")])
def test_errors_of_the_container_are_424_and_say_whose_they_are(
    serving: Serving, endpoint: str, sent: Any, status: str
) -> None:
    answer = serving.score(endpoint, sent)
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == status
    assert answer.headers["ms-azureml-model-error-reason"]
    assert answer.headers["azureml-model-deployment"] == "blue"


def test_a_slow_answer_is_408_and_the_script_is_interrupted(serving: Serving, endpoint: str) -> None:
    started = time.monotonic()
    assert serving.score(endpoint, {"sleep": 80}).status_code == 408
    assert 1.9 < time.monotonic() - started < 60
    assert serving.score(endpoint, {}).status_code == 200, "the worker is free again"


def test_more_than_twice_the_concurrency_is_429(serving: Serving, endpoint: str) -> None:
    key = serving.key(endpoint)
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda _: serving.score(endpoint, {"sleep": 0.4}, key=key).status_code, range(4))]
    assert Counter(answers) == {200: 2, 429: 2}


def test_a_streamed_answer_comes_whole(serving: Serving, endpoint: str) -> None:
    answer = serving.score(endpoint, {"stream": 2000})
    assert answer.text.splitlines() == [f"part {index}" for index in range(2000)]


def test_a_container_that_dies_is_started_again(serving: Serving, endpoint: str) -> None:
    assert serving.score(endpoint, {"kill": 1}).status_code == 424
    answer = until(lambda: next(filter(lambda a: a.ok, [serving.score(endpoint, {})]), None))
    assert answer.json()["variant"] == "blue"
    assert "is started again in" in serving.logs(endpoint, "blue")


def test_a_deployment_with_traffic_is_not_deleted(serving: Serving, endpoint: str) -> None:
    text = refused(serving.delete(f"{endpoint}/deployments/blue"))["errors"][""][0]
    assert "100 % of the live traffic" in text


def test_scaling_keeps_the_first_operation_and_tags_are_patched(serving: Serving, endpoint: str) -> None:
    before = serving.get(endpoint, "green")
    path = f"onlineEndpoints/{endpoint}/deployments/green"
    started = serving.azure.call(
        "PATCH", path, {"sku": {"name": "Default", "capacity": 2}, "tags": {"x": "y"}}, api=API
    )
    assert started.status_code == 202
    assert started.json()["properties"]["provisioningState"] == "Scaling"
    assert serving.azure.call("PATCH", path, {"sku": {"capacity": 3}}, api=API).status_code == 409
    serving.ok(started)
    after = serving.get(endpoint, "green")
    assert (after["sku"]["capacity"], after["tags"]) == (2, {"x": "y"})
    assert after["properties"]["properties"] == before["properties"]["properties"]
    assert "instance_count 2" in serving.logs(endpoint, "green")


def test_an_update_put_answers_as_recorded_and_a_failed_one_goes_on_serving(serving: Serving, endpoint: str) -> None:
    live = serving.get(endpoint, "green")
    properties = {**live["properties"], "environmentVariables": {"VARIANT": "greener"}}
    body = {"location": "eastus", "tags": {}, "properties": properties, "sku": {"name": "Default", "capacity": 1}}
    path = f"onlineEndpoints/{endpoint}/deployments/green"
    started = serving.azure.call("PUT", path, body, api=API)
    assert started.status_code == 201
    assert started.json()["properties"]["provisioningState"] == "Creating"
    assert started.json()["properties"]["instanceType"] is None
    assert set(started.json()["systemData"]) == {"lastModifiedAt"}
    assert serving.get(endpoint, "green")["properties"]["provisioningState"] == "Updating"
    serving.ok(started)
    assert serving.score(endpoint, {}, deployment="green").json()["variant"] == "greener"

    broken = {
        "codeId": serving.code("gate-broken", "def init(): 1/0\ndef run(d): return d"),
        "scoringScript": "score.py",
    }
    body["properties"] = {**properties, "codeConfiguration": broken}
    assert serving.failed(serving.azure.call("PUT", path, body, api=API))["code"] == "ResourceNotReady"
    assert serving.get(endpoint, "green")["properties"]["provisioningState"] == "Failed"
    assert serving.score(endpoint, {}, deployment="green").json()["variant"] == "greener"
    body["properties"] = properties
    serving.ok(serving.azure.call("PUT", path, body, api=API))


def test_no_request_is_lost_while_traffic_shifts_and_the_old_deployment_goes(serving: Serving, endpoint: str) -> None:
    key = serving.key(endpoint)
    statuses: Counter[int] = Counter()
    variants: Counter[str] = Counter()
    moving = [True]

    def ask(_: int) -> None:
        while moving[0]:
            answer = serving.score(endpoint, {"sleep": 0.05}, key=key)
            statuses[answer.status_code] += 1
            variants[answer.json().get("variant", "?")] += 1

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask, index) for index in range(2)]
        time.sleep(0.5)
        serving.endpoint(endpoint, traffic={"green": 100})
        serving.ok(serving.delete(f"{endpoint}/deployments/blue"))
        time.sleep(0.5)
        moving[0] = False
        for each in asking:
            each.result()
    assert set(statuses) == {200}, statuses
    assert variants["blue"] > 2
    assert variants["greener"] > 2


def test_containers_end_with_the_emulator_and_come_back_with_it(home: Path) -> None:
    first = Azure(lifecycle.ensure(home, idle_seconds=600))
    with first.session:
        endpoint = build(first, "blue")
        key = Serving(first).key(endpoint)
        before = _servers(first.connection.pid)
        assert before
        os.kill(first.connection.pid, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{each}").exists() for each in before))
    sockets = Path((home / "deployments" / ".sockets").read_text())
    assert sockets.is_dir()
    again = Azure(lifecycle.ensure(home, idle_seconds=600))
    with again.session:
        answer = Serving(again).score(endpoint, {}, key=key)
        assert (answer.status_code, answer.json()["variant"]) == (200, "blue"), "it waits for the container"
    assert not sockets.exists(), "what a killed emulator leaves behind is tidied up"


def _servers(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                stat = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if b"phift.emulator.runtime.serving.process" in command and int(stat[1]) == parent:
                found.append(int(entry.name))
    return found
