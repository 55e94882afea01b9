"""Metrics of real requests, as Azure Monitor's REST API answers them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, until
from tests.emulator.test_serving_gateway import SCRIPT

API = "2023-10-01"
INSIGHTS = "providers/microsoft.insights"


def build(azure: Azure) -> str:
    """An endpoint with blue, which has all the traffic, and green, which has none."""
    serving = Serving(azure)
    serving.endpoint("counted")
    model = serving.model("counted", {"weights.bin": b"0"}, "custom_model")
    code = {"codeId": serving.code("counted", SCRIPT), "scoringScript": "score.py"}
    started = [
        serving.put_deployment(
            "counted",
            name,
            model,
            codeConfiguration=code,
            requestSettings={"requestTimeout": "PT3S", "maxConcurrentRequestsPerInstance": 1},
            environmentVariables={"VARIANT": name},
        )
        for name in ("blue", "green")
    ]
    for each in started:
        serving.ok(each)
    serving.endpoint("counted", traffic={"blue": 100})
    return "counted"


@pytest.fixture(scope="module")
def endpoint(served: Connection) -> Iterator[str]:
    azure = Azure(served)
    with azure.session:
        yield build(azure)


@pytest.fixture
def serving(azure: Azure) -> Serving:
    return Serving(azure)


def query(azure: Azure, resource: str, metric: str, **parameters: str) -> list[dict[str, Any]]:
    """The time series of one metric."""
    answer = azure.call(
        "GET", f"onlineEndpoints/{resource}/{INSIGHTS}/metrics", api=API, metricnames=metric, **parameters
    )
    assert answer.status_code == 200, answer.text
    (value,) = answer.json()["value"]
    assert value["name"]["value"].lower() == metric.lower()
    found: list[dict[str, Any]] = value["timeseries"]
    return found


def totals(series: list[dict[str, Any]], key: str = "total") -> dict[tuple[str, ...], float]:
    """The sum of all points of each series by the values of its dimensions."""
    return {
        tuple(each["value"] for each in one["metadatavalues"]): sum(point.get(key, 0) for point in one["data"])
        for one in series
    }


def test_every_status_that_callers_see_is_counted(serving: Serving, endpoint: str) -> None:
    azure, key = serving.azure, serving.key(endpoint)
    for _ in range(3):
        assert serving.score(endpoint, {}, key=key).status_code == 200
    for _ in range(2):
        assert serving.score(endpoint, {"fail": 1}, key=key).status_code == 424
    assert serving.score(endpoint, {"sleep": 9}, key=key).status_code == 408
    with ThreadPoolExecutor(4) as pool:
        statuses = [*pool.map(lambda _: serving.score(endpoint, {"sleep": 0.5}, key=key).status_code, range(4))]
    assert sorted(statuses) == [200, 200, 429, 429]
    assert serving.score(endpoint, {}, key=key, deployment="green").status_code == 200
    assert serving.score(endpoint, {}, key="wrong").status_code == 401
    assert serving.score(endpoint, {"stream": 500}, key=key).status_code == 200
    asked = {"aggregation": "Total", "$filter": "deployment eq '*' and statusCode eq '*'"}
    until(lambda: totals(query(azure, endpoint, "RequestsPerMinute", **asked)).get(("blue", "200")) == 6)
    assert totals(query(azure, endpoint, "RequestsPerMinute", **asked)) == {
        ("blue", "200"): 6,
        ("blue", "424"): 2,
        ("blue", "408"): 1,
        ("blue", "429"): 2,
        ("green", "200"): 1,
        ("", "401"): 1,
    }
    models = {"aggregation": "total", "$filter": "modelStatusCode eq '*'"}
    assert totals(query(azure, endpoint, "RequestsPerMinute", **models)) == {("200",): 7, ("500",): 2, ("",): 4}
    blue = query(
        azure,
        f"{endpoint}/deployments/blue",
        "RequestsPerMinute",
        aggregation="total",
        **{"$filter": "envoy_response_code eq '424'"},
    )
    assert totals(blue) == {("424",): 2}


def test_latency_network_and_connections(serving: Serving, endpoint: str) -> None:
    azure, key = serving.azure, serving.key(endpoint)
    for _ in range(3):
        serving.score(endpoint, {"sleep": 0.2}, key=key, deployment="green")
    asked = {"aggregation": "Maximum,Average", "$filter": "deployment eq 'green'", "interval": "PT1H"}
    ((point,),) = [one["data"][-1:] for one in query(azure, endpoint, "RequestLatency", **asked)]
    assert 200 < point["maximum"] < 5000
    assert point["average"] <= point["maximum"]
    (fifty,) = query(azure, f"{endpoint}/deployments/green", "RequestLatency_P50", interval="PT1H")
    assert fifty["data"][-1]["average"] > 0
    assert totals(query(azure, endpoint, "NetworkBytes", aggregation="average"), "average")[()] > 0
    assert totals(query(azure, endpoint, "NewConnectionsPerSecond"), "average")[()] > 0
    until(lambda: totals(query(azure, endpoint, "ConnectionsActive", aggregation="maximum"), "maximum")[()] >= 1)


def test_what_the_containers_use_is_measured(serving: Serving, endpoint: str) -> None:
    azure, resource = serving.azure, f"{endpoint}/deployments/blue"
    until(lambda: totals(query(azure, resource, "CpuUtilizationPercentage", aggregation="count"), "count")[()] > 0)
    for name in ("CpuMemoryUtilizationPercentage", "DiskUtilization"):
        (series,) = query(azure, resource, name, interval="PT1H", **{"$filter": "instanceId eq '*'"})
        assert series["metadatavalues"][0]["value"] == "blue-0"
        assert 0 < series["data"][-1]["average"] < 100
    (capacity,) = query(azure, resource, "DeploymentCapacity", interval="PT1H", **{"$filter": "State eq 'Healthy'"})
    assert capacity["data"][-1]["average"] == 1


def test_minutes_without_requests_have_no_average(serving: Serving, endpoint: str) -> None:
    azure = serving.azure
    span = {"timespan": "2026-01-01T00:00:30Z/2026-01-01T00:03:00Z"}
    (series,) = query(azure, endpoint, "RequestsPerMinute", **span)
    assert series == {
        "metadatavalues": [],
        "data": [{"timeStamp": f"2026-01-01T00:0{minute}:00Z"} for minute in range(3)],
    }
    assert query(azure, endpoint, "RequestsPerMinute", **span, **{"$filter": "deployment eq '*'"}) == []
    assert query(azure, f"{endpoint}/deployments/blue", "GpuUtilizationPercentage")[0]["data"][0].keys() == {
        "timeStamp"
    }
    azure.admin("PUT", "/assumed", {"metrics_without_data_have_points": False})
    assert query(azure, endpoint, "RequestsPerMinute", **span) == []
    azure.admin("PUT", "/assumed", {"metrics_without_data_have_points": True})
    assert query(azure, endpoint, "RequestsPerMinute", resultType="Metadata", **span) == [{"metadatavalues": []}]


def test_the_whole_answer(serving: Serving, endpoint: str) -> None:
    azure = serving.azure
    answer = azure.call(
        "GET",
        f"onlineEndpoints/{endpoint.upper()}/providers/Microsoft.Insights/metrics",
        api="2018-01-01",
        metricnames="RequestsPerMinute,requestlatency",
        timespan="2026-01-01T00:00:00Z/2026-01-01T01:00:00Z",
        interval="PT30M",
    ).json()
    identity = f"{azure.workspace}/onlineEndpoints/{endpoint}/providers/Microsoft.Insights/metrics/RequestsPerMinute"
    assert {key: answer[key] for key in answer if key != "value"} == {
        "cost": 59,
        "timespan": "2026-01-01T00:00:00Z/2026-01-01T01:00:00Z",
        "interval": "PT30M",
        "namespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "resourceregion": "eastus",
    }
    first, second = answer["value"]
    assert (first["id"], first["type"], first["unit"]) == (identity, "Microsoft.Insights/metrics", "Count")
    assert (second["name"]["value"], second["unit"]) == ("RequestLatency", "MilliSeconds")
    assert [len(each["timeseries"][0]["data"]) for each in (first, second)] == [2, 2]


def test_definitions_and_namespaces(serving: Serving, endpoint: str) -> None:
    azure = serving.azure

    def listed(resource: str, what: str) -> list[dict[str, Any]]:
        answer = azure.call("GET", f"onlineEndpoints/{resource}/{INSIGHTS}/{what}", api="2018-01-01")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["value"]
        return found

    of_endpoint = {each["name"]["value"]: each for each in listed(endpoint, "metricDefinitions")}
    assert [each["value"] for each in of_endpoint["RequestsPerMinute"]["dimensions"]] == [
        "deployment",
        "statusCode",
        "statusCodeClass",
        "modelStatusCode",
    ]
    assert of_endpoint["RequestsPerMinute"]["metricAvailabilities"][0]["timeGrain"] == "PT1M"
    of_deployment = [each["name"]["value"] for each in listed(f"{endpoint}/deployments/blue", "metricDefinitions")]
    assert {"GpuUtilizationPercentage", "GpuEnergyJoules", "DeploymentCapacity"} <= set(of_deployment)
    (space,) = listed(f"{endpoint}/deployments/blue", "metricNamespaces")
    assert space["properties"] == {
        "metricNamespaceName": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments"
    }


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"metricnames": "Requests"}, "Failed to find metric configuration for provider: Microsoft.MachineLearning"),
        (
            {"metricnames": "RequestsPerMinute", "$filter": "colour eq 'red'"},
            "requested dimension combination: colour,",
        ),
        ({"metricnames": "NetworkBytes", "$filter": "deployment eq 'a'"}, "does not support requested dimension"),
        ({"$filter": "deployment is blue"}, "is not valid"),
        ({"interval": "PT3M"}, "invalid time grain"),
        ({"timespan": "today"}, "Invalid timespan"),
        ({"timespan": "PT99999999999999999999H", "interval": "FULL"}, "out of range"),
        ({"timespan": "2020-01-01T00:00:00Z/2026-01-01T00:00:00Z"}, "more than"),
        ({"aggregation": "Median"}, "invalid aggregation"),
        ({"metricnamespace": "other"}, "Detect invalid value"),
        ({"metricnames": ",".join(["NetworkBytes"] * 21)}, "bigger than allowed max: 20"),
    ],
)
def test_refusals_have_a_code_and_a_message_alone(
    serving: Serving, endpoint: str, parameters: dict[str, str], why: str
) -> None:
    path = f"onlineEndpoints/{endpoint}/{INSIGHTS}/metrics"
    answer = serving.azure.call("GET", path, api=API, **parameters)
    assert answer.status_code == 400, answer.text
    assert answer.json().keys() == {"code", "message"}
    assert answer.json()["code"] == "BadRequest"
    assert why in answer.json()["message"]


def test_what_is_not_there(serving: Serving, endpoint: str) -> None:
    azure = serving.azure
    for resource in ("nobody", f"{endpoint}/deployments/red"):
        answer = azure.call("GET", f"onlineEndpoints/{resource}/{INSIGHTS}/metrics", api=API)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    assert azure.call("GET", f"{INSIGHTS}/metrics", api=API).status_code == 501, "metrics of the workspace"
    path = f"onlineEndpoints/{endpoint}/{INSIGHTS}/metrics"
    assert azure.call("GET", path, api=API, rollupby="deployment").status_code == 501
    loose = azure.call("GET", path, api=API, ValidateDimensions="false", **{"$filter": "colour eq 'red'"})
    assert (loose.status_code, loose.json()["value"][0]["timeseries"]) == (200, [])


def test_metrics_survive_a_restart_and_a_kill(home: Path) -> None:
    first = Azure(lifecycle.ensure(home, idle_seconds=600))
    with first.session:
        endpoint = build(first)
        serving = Serving(first)
        for _ in range(4):
            assert serving.score(endpoint, {}).status_code == 200
        asked = {"aggregation": "total", "$filter": "deployment eq '*'"}
        assert totals(query(first, endpoint, "RequestsPerMinute", **asked)) == {("blue",): 4}
        assert serving.score(endpoint, {}).status_code == 200
    lifecycle.stop(home)
    second = Azure(lifecycle.ensure(home, idle_seconds=600))
    with second.session:
        assert totals(query(second, endpoint, "RequestsPerMinute", **asked)) == {("blue",): 5}
        assert Serving(second).score(endpoint, {}).status_code == 200
        time.sleep(6)  # longer than what is counted may stay in memory
        second.admin("POST", "/faults", {"pattern": "/kill-me", "kill": True})
        with pytest.raises(Exception, match=r"."):
            second.call("GET", "kill-me")
    third = Azure(lifecycle.ensure(home, idle_seconds=600))
    with third.session:
        assert totals(query(third, endpoint, "RequestsPerMinute", **asked)) == {("blue",): 6}
