"""Autoscale settings of a real deployment: documents, and instances that really change."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.serving import Serving, until
from tests.emulator.test_autoscale_rules import profile, rule

API = "2022-10-01"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_DEPLOYMENTS", "rehearse")
        home = tmp_path_factory.mktemp("autoscale") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


@pytest.fixture(scope="module")
def endpoint(served: Connection) -> Iterator[str]:
    azure = Azure(served)
    with azure.session:
        serving = Serving(azure)
        serving.endpoint("scaled")
        serving.deployment("scaled", "blue", serving.model("scaled"), requestSettings={"requestTimeout": "PT60S"})
        serving.endpoint("scaled", traffic={"blue": 100})
        yield "scaled"


class Settings:
    """Autoscale settings over HTTP."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        c = azure.connection
        self.subscription = f"/subscriptions/{c.subscription_id}"
        self.group = f"{self.subscription}/resourceGroups/{c.resource_group}"

    def deployment(self, name: str = "blue") -> str:
        return f"{self.azure.workspace}/onlineEndpoints/scaled/deployments/{name}"

    def call(self, method: str, name: str = "", body: Any = None, *, scope: str = "") -> Any:
        path = f"{scope or self.group}/providers/Microsoft.Insights/autoscalesettings" + (f"/{name}" if name else "")
        return self.azure.call(method, path, body, api=API)

    def body(self, *profiles: Any, target: str = "", **more: Any) -> dict[str, Any]:
        for each in profiles:
            for one in each["rules"]:
                uri = one["metricTrigger"]["metricResourceUri"]
                endpoint = self.deployment().split("/deployments/")[0]
                one["metricTrigger"]["metricResourceUri"] = self.deployment() if "/deployments/" in uri else endpoint
        properties = {"targetResourceUri": target or self.deployment(), "profiles": list(profiles), **more}
        return {"location": "eastus", "tags": {"a": "b"}, "properties": properties}

    def evaluate(self, after: str = "PT0S") -> dict[str, Any]:
        """The one outcome."""
        (outcome,) = self.azure.admin("POST", "/autoscale", {"after": after})["value"]
        return dict(outcome)


@pytest.fixture
def settings(azure: Azure) -> Iterator[Settings]:
    found = Settings(azure)
    yield found
    for each in found.call("GET").json()["value"]:
        assert found.call("DELETE", each["name"]).status_code == 200


def test_documents(settings: Settings, endpoint: str) -> None:
    made = settings.call("PUT", "Mine", settings.body(profile(rule())))
    assert made.status_code == 201, made.text
    document = made.json()
    assert document["id"] == f"{settings.group}/providers/microsoft.insights/autoscalesettings/Mine"
    assert (document["type"], document["tags"]) == ("Microsoft.Insights/autoscaleSettings", {"a": "b"})
    assert (document["properties"]["enabled"], document["properties"]["name"]) == (False, "Mine")
    assert document["properties"]["profiles"][0]["capacity"] == {"minimum": "1", "maximum": "4", "default": "1"}
    assert settings.call("GET", "mine").json() == document
    assert settings.call("GET").json()["value"] == [document]
    assert settings.call("GET", scope=settings.subscription).json()["value"] == [document]
    again = settings.call("PUT", "mine", document)
    assert (again.status_code, again.json()["name"]) == (200, "Mine")
    patched = settings.call("PATCH", "mine", {"tags": {"c": "d"}, "properties": {"enabled": True}})
    assert (patched.status_code, patched.json()["tags"], patched.json()["properties"]["enabled"]) == (
        200,
        {"c": "d"},
        True,
    )
    assert patched.json()["properties"]["profiles"] == document["properties"]["profiles"]
    assert settings.call("DELETE", "mine").status_code == 200
    assert settings.call("DELETE", "mine").status_code == 204
    missing = settings.call("GET", "mine")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "ResourceNotFound")


def test_refusals(settings: Settings, endpoint: str) -> None:
    good = settings.body(profile(rule()))
    assert settings.call("PUT", "one", good).status_code == 201
    other = settings.call("PUT", "two", good)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "Conflict")
    for change in ({"location": None}, {"properties": None}, {"properties": {**good["properties"], "profiles": None}}):
        assert settings.call("PUT", "one", {**good, **change}).status_code == 400
    numbers = settings.body(profile(rule()))
    numbers["properties"]["profiles"][0]["capacity"] = {"minimum": 1, "maximum": 2, "default": 1}
    assert settings.call("PUT", "one", numbers).status_code == 400
    elsewhere = settings.call("PUT", "three", settings.body(profile(), target=f"{settings.group}/providers/x/y"))
    assert (elsewhere.status_code, "other than deployments" in elsewhere.text) == (501, True)
    far = settings.deployment().replace("/workspaces/", "/workspaces/not-")
    assert settings.call("PUT", "three", settings.body(profile(), target=far)).status_code == 501
    upper = settings.call("PUT", "two", settings.body(profile(), target=settings.deployment().upper()))
    assert upper.status_code == 409
    group = settings.call("GET", scope=f"{settings.subscription}/resourceGroups/other")
    assert (group.status_code, group.json()["error"]["code"]) == (404, "ResourceGroupNotFound")
    unknown = settings.azure.call("GET", f"{settings.group}/providers/Microsoft.Insights/metricAlerts", api=API)
    assert unknown.status_code == 501


def test_load_scales_out_and_in_within_cooldowns(settings: Settings, endpoint: str) -> None:
    serving = Serving(settings.azure)
    busy = rule(metric="RequestsPerMinute", threshold=10, metricResourceUri="/endpoint")
    busy["metricTrigger"]["dimensions"] = [{"DimensionName": "deployment", "Operator": "Equals", "Values": ["Blue"]}]
    calm = rule("Decrease", "LessThan", 1000, metric="RequestsPerMinute", metricResourceUri="/endpoint")
    for each in (busy, calm):
        each["scaleAction"]["cooldown"] = "PT2M"
        each["metricTrigger"]["timeAggregation"] = "Maximum"
    assert settings.call("PUT", "load", settings.body(profile(busy, most="2"), enabled=True)).status_code == 201
    assert settings.evaluate()["why"] == "metrics are missing"
    settings.call("PATCH", "load", {"properties": {"enabled": False}})
    key = serving.key(endpoint)
    for _ in range(40):
        serving.score(endpoint, {}, key=key)
    settings.call("PATCH", "load", {"properties": {"enabled": True}})
    outcome = settings.evaluate("PT1M")
    assert (outcome["before"], outcome["after"], outcome["why"]) == (1, 2, "a scale-out rule fires"), outcome
    assert outcome["values"][0]["value"] > 10

    def settled() -> int:
        until(lambda: serving.get(endpoint, "blue")["properties"]["provisioningState"] == "Succeeded")
        return int(serving.get(endpoint, "blue")["sku"]["capacity"])

    assert settled() == 2
    assert "autoscale setting load: 1 to 2 instances" in serving.logs(endpoint, "blue")
    assert "instance_count 2" in serving.logs(endpoint, "blue")
    assert "its cooldown is not over" in settings.evaluate("PT2M")["why"]

    assert settings.call("PUT", "load", settings.body(profile(calm, most="2"), enabled=True)).status_code == 200
    assert "their cooldown is not over" in settings.evaluate("PT2M")["why"], "a new setting forgets no cooldown"
    outcome = settings.evaluate("PT4M")
    assert (outcome["before"], outcome["after"], outcome["why"]) == (2, 1, "all scale-in rules fire"), outcome
    assert settled() == 1


def test_the_quota_is_respected(settings: Settings, endpoint: str) -> None:
    body = settings.body(profile(least="3", most="4", default="3"), enabled=True)
    settings.azure.admin("PUT", "/quota", {"standardFSv2Family": 8})
    try:
        assert settings.call("PUT", "much", body).status_code == 201
        outcome = settings.evaluate()
        assert (outcome["before"], outcome["after"]) == (1, 1)
        assert "Not enough quota available" in outcome["why"]
        assert Serving(settings.azure).get(endpoint, "blue")["sku"]["capacity"] == 1
    finally:
        settings.azure.admin("PUT", "/quota", {"standardFSv2Family": 192})


def test_nothing_happens_without_enabled_or_deployment(settings: Settings, endpoint: str) -> None:
    assert settings.call("PUT", "off", settings.body(profile(least="2", default="2"))).status_code == 201
    assert settings.evaluate()["why"] == "the setting is not enabled"
    settings.call("DELETE", "off")
    body = settings.body(profile(), target=settings.deployment("none"), enabled=True)
    assert settings.call("PUT", "orphan", body).status_code == 201
    assert settings.evaluate()["why"] == "the deployment does not exist"


def test_a_schedule_scales_by_itself_and_the_setting_outlives_its_deployment(settings: Settings, endpoint: str) -> None:
    """The autoscaler's own loop, not the admin request."""
    serving = Serving(settings.azure)
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 60))
    later = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 3600))
    today = profile(least="2", default="2", fixedDate={"timeZone": "UTC", "start": now, "end": later})
    normal = profile() | {"name": "normal"}
    assert settings.call("PUT", "today", settings.body(today, normal, enabled=True)).status_code == 201
    until(lambda: serving.get(endpoint, "blue")["sku"]["capacity"] == 2)
    until(lambda: serving.get(endpoint, "blue")["properties"]["provisioningState"] == "Succeeded")
    serving.endpoint(endpoint)
    serving.ok(serving.delete(f"{endpoint}/deployments/blue"))
    assert settings.call("GET", "today").status_code == 200
    assert settings.evaluate()["why"] == "the deployment does not exist"


def test_settings_survive_a_kill(home: Path) -> None:
    first = Azure(lifecycle.ensure(home, idle_seconds=600))
    with first.session:
        settings = Settings(first)
        body = settings.body(profile(rule()), target=settings.deployment("none"), enabled=True)
        document = settings.call("PUT", "kept", body).json()
        os.kill(first.connection.pid, signal.SIGKILL)
    again = Azure(lifecycle.ensure(home, idle_seconds=600))
    with again.session:
        assert Settings(again).call("GET", "kept").json() == document
