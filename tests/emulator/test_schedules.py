"""Schedules create jobs by the service's clock. Jobs are rehearsed here: nothing is trained."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from os import kill
from pathlib import Path
from typing import Any

import pytest

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.test_job_submission import pipeline

API = "2023-06-01-preview"
TRIGGER = "${{creation_context.trigger_time}}"
DAILY = {"triggerType": "Recurrence", "frequency": "Day", "interval": 1, "startTime": "2030-01-01T12:00:00"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
        home = tmp_path_factory.mktemp("schedules") / "home"
        connection = lifecycle.ensure(home, idle_seconds=600)
    yield connection
    lifecycle.stop(home)


@pytest.fixture(autouse=True)
def following(azure: Azure) -> Iterator[None]:
    yield
    azure.admin("PUT", "/clock", {"now": None})
    azure.admin("PUT", "/settings", {"pace": "fast"})


def body(trigger: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    definition = pipeline()["properties"]
    definition["inputs"] = {"label": {"jobInputType": "literal", "value": f"at {TRIGGER}"}}
    action = {"actionType": "CreateJob", "jobDefinition": definition}
    return {"properties": {"trigger": trigger or DAILY, "action": action, **properties}}


def put(azure: Azure, name: str, sent: dict[str, Any]) -> dict[str, Any]:
    answer = azure.call("PUT", f"schedules/{name}", sent, api=API)
    assert answer.status_code in (200, 201), answer.text
    assert azure.wait(answer)["status"] == "Succeeded"
    found: dict[str, Any] = azure.call("GET", f"schedules/{name}", api=API).json()
    return found


def jobs(azure: Azure, name: str) -> list[str]:
    listed = azure.call("GET", "jobs", api="2024-01-01-preview", **{"$top": "500"}).json()["value"]
    return sorted(job["name"] for job in listed if job["name"].startswith(f"{name}-"))


def until(ask: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)
    return found


def test_a_schedule_is_kept_changed_and_listed(azure: Azure) -> None:
    sent = body(displayName="d", description="of a test", tags={"a": "b"}, properties={"p": "q"})
    answer = azure.call("PUT", "schedules/kept", sent, api=API)
    assert answer.status_code == 201
    assert answer.json()["properties"]["provisioningState"] == "Creating"
    assert answer.headers["x-ms-async-operation-timeout"] == "PT30M"
    assert azure.call("PUT", "schedules/kept", sent, api=API).status_code == 200
    azure.wait(answer)
    found = put(azure, "KEPT", sent | {"properties": {**sent["properties"], "isEnabled": False}})
    properties = found["properties"]
    assert found["name"] == "kept"
    assert found["type"] == "Microsoft.MachineLearningServices/workspaces/schedules"
    assert (properties["isEnabled"], properties["provisioningState"]) == (False, "Succeeded")
    assert (properties["displayName"], properties["tags"], properties["properties"]) == ("d", {"a": "b"}, {"p": "q"})
    assert properties["trigger"] == {**DAILY, "timeZone": "UTC"}
    assert properties["action"]["jobDefinition"] == sent["properties"]["action"]["jobDefinition"]

    def names(**query: str) -> list[str]:
        return [each["name"] for each in azure.call("GET", "schedules", api=API, **query).json()["value"]]

    assert "kept" not in names()
    assert "kept" in names(listViewType="DisabledOnly")
    assert "kept" in names(listViewType="All")
    gone = azure.call("DELETE", "schedules/kept", api=API)
    assert gone.status_code == 202
    azure.wait(gone)
    missing = azure.call("GET", "schedules/kept", api=API)
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "Schedule kept not found.")
    assert azure.call("DELETE", "schedules/kept", api=API).status_code == 204


def test_an_enabled_schedule_is_not_deleted(azure: Azure) -> None:
    put(azure, "on", body())
    refused = azure.call("DELETE", "schedules/on", api=API)
    assert (refused.status_code, refused.json()["error"]["target"]) == (400, "isEnabled")
    put(azure, "on", body(isEnabled=False))
    azure.wait(azure.call("DELETE", "schedules/on", api=API))


def test_jobs_are_created_when_they_are_due(azure: Azure) -> None:
    azure.admin("PUT", "/clock", {"now": "2030-01-01T11:59:58Z"})
    put(azure, "daily", body())
    assert jobs(azure, "daily") == []
    name = until(lambda: jobs(azure, "daily"))[0]
    assert name == "daily-20300101T120000Z"
    properties = azure.call("GET", f"jobs/{name}", api="2024-01-01-preview").json()["properties"]
    assert properties["displayName"] == name
    assert properties["experimentName"] == "tests"
    assert properties["inputs"]["label"]["value"] == "at 2030-01-01T12:00:00Z"
    assert properties["properties"]["azureml.scheduleId"] == "daily"
    assert properties["properties"]["mine"] == "1"
    kept = azure.call("GET", "schedules/daily", api=API).json()["properties"]
    assert TRIGGER in str(kept["action"]), "the definition stays as it was"
    azure.call("PUT", "jobs/of-none", pipeline(), api="2024-01-01-preview")

    def listed(**query: str) -> set[str]:
        answer = azure.call("GET", "jobs", api="2024-01-01-preview", **{"$top": "500", **query}).json()["value"]
        return {job["name"] for job in answer}

    assert listed(scheduleId="daily") == {name}
    assert name in listed(scheduled="true")
    assert "of-none" not in listed(scheduled="true")
    assert name not in listed(scheduled="false")
    assert "of-none" in listed(scheduled="false")

    azure.admin("PUT", "/clock", {"now": "2030-01-01T12:00:30Z"})
    time.sleep(0.3)
    assert len(jobs(azure, "daily")) == 1, "not again"
    azure.admin("PUT", "/clock", {"now": "2030-01-05T13:00:00Z"})
    until(lambda: len(jobs(azure, "daily")) == 2)
    assert jobs(azure, "daily")[1] == "daily-20300102T120000Z", "the first of those that were jumped over, and no other"
    put(azure, "daily", body(isEnabled=False))
    azure.admin("PUT", "/clock", {"now": "2030-01-09T13:00:00Z"})
    time.sleep(0.3)
    assert len(jobs(azure, "daily")) == 2, "disabled"


def test_time_goes_as_fast_as_the_pace(azure: Azure) -> None:
    azure.admin("PUT", "/settings", {"pace": "faithful", "speed": 600})
    put(azure, "quick", body({"triggerType": "Recurrence", "frequency": "Minute", "interval": 10}))
    until(lambda: len(jobs(azure, "quick")) >= 2)
    put(azure, "quick", body(isEnabled=False))


def test_a_schedule_is_triggered_by_hand(azure: Azure) -> None:
    put(azure, "manual", body({"triggerType": "Cron", "expression": "0 0 * * 1"}))
    answer = azure.call("POST", "schedules/manual/trigger", {"scheduleTime": "2031-05-01T10:00:00+02:00"}, api=API)
    assert answer.json() == {"scheduleActionType": "CreateJob", "submissionId": "manual-20310501T080000Z"}
    again = azure.call("POST", "schedules/manual/trigger", {"scheduleTime": "2031-05-01T08:00:00Z"}, api=API)
    assert again.json()["submissionId"] == "manual-20310501T080000Z-1"
    now = azure.call("POST", "schedules/manual/trigger", api=API).json()["submissionId"]
    assert re.fullmatch(r"manual-\d{8}T\d{6}Z", now)
    assert azure.call("POST", "schedules/manual/trigger", {"scheduleTime": "noon"}, api=API).status_code == 400
    put(azure, "manual", body(isEnabled=False))
    refused = azure.call("POST", "schedules/manual/trigger", api=API)
    assert (refused.status_code, refused.json()["error"]["target"]) == (400, "isEnabled")
    assert azure.call("POST", "schedules/none/trigger", api=API).status_code == 404


def test_a_job_that_exists_is_scheduled_by_its_name(azure: Azure) -> None:
    put(azure, "source", body())
    first = azure.call("POST", "schedules/source/trigger", api=API).json()["submissionId"]
    definition = {"jobType": "Pipeline", "sourceJobId": f"{azure.workspace}/jobs/{first}", "experimentName": ""}
    action = {"actionType": "CreateJob", "jobDefinition": definition}
    found = put(azure, "copy", {"properties": {"trigger": DAILY, "action": action}})
    copied = found["properties"]["action"]["jobDefinition"]
    assert list(copied["jobs"]) == ["trainer"]
    assert copied["experimentName"] == "tests"
    second = azure.call("POST", "schedules/copy/trigger", api=API).json()["submissionId"]
    properties = azure.call("GET", f"jobs/{second}", api="2024-01-01-preview").json()["properties"]
    assert properties["properties"]["azureml.scheduleId"] == "copy"
    definition["sourceJobId"] = "azureml:nojob"
    missing = azure.call("PUT", "schedules/copy", {"properties": {"trigger": DAILY, "action": action}}, api=API)
    assert (missing.status_code, missing.json()["error"]["message"]) == (404, "Job nojob not found.")


REFUSED = {
    "no trigger": ({"trigger": None}, "properties.trigger"),
    "cron": ({"trigger": {"triggerType": "Cron", "expression": "x"}}, "properties.trigger.expression"),
    "zone": ({"trigger": {**DAILY, "timeZone": "Mars Standard Time"}}, "properties.trigger.timeZone"),
    "action": ({"action": {"actionType": "MakeTea"}}, "properties.action.actionType"),
    "job": (
        {"action": {"actionType": "CreateJob", "jobDefinition": {"jobType": "Tea"}}},
        "properties.action.jobDefinition.jobType",
    ),
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_is_malformed_is_named(azure: Azure, case: str) -> None:
    change, target = REFUSED[case]
    sent = body()
    sent["properties"] |= change
    answer = azure.call("PUT", "schedules/wrong", sent, api=API)
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, target)
    assert azure.call("GET", "schedules/wrong", api=API).status_code == 404


def test_other_actions_are_not_supported(azure: Azure) -> None:
    sent = body()
    sent["properties"]["action"] = {"actionType": "CreateMonitor", "monitorDefinition": {}}
    answer = azure.call("PUT", "schedules/watch", sent, api=API)
    assert answer.status_code == 501
    assert "Schedules with the action CreateMonitor are not supported" in answer.json()["error"]["message"]


def test_a_definition_that_is_refused_creates_no_job_and_stops_nothing(azure: Azure) -> None:
    broken = body({**DAILY, "startTime": "2040-01-01T12:00:00"})
    broken["properties"]["action"]["jobDefinition"]["jobs"]["trainer"]["componentId"] = (
        "azureml://registries/azureml/components/nothing/versions/1"
    )
    azure.admin("PUT", "/clock", {"now": "2040-01-01T11:59:59Z"})
    put(azure, "broken", broken)
    put(azure, "sound", body({**DAILY, "startTime": "2040-01-01T12:00:01"}))
    until(lambda: jobs(azure, "sound"))
    assert jobs(azure, "broken") == []
    assert azure.call("POST", "schedules/broken/trigger", api=API).status_code in (400, 404)


def test_schedules_survive_a_kill(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock and what is due are stored; what passes while the emulator is down creates no job."""
    monkeypatch.setenv("PHIFT_EMULATOR_JOBS", "rehearse")
    connection = lifecycle.ensure(home, idle_seconds=600)
    client = Azure(connection)
    with client.session:
        client.admin("PUT", "/clock", {"now": "2035-06-01T11:00:00Z"})
        put(client, "missed", body({**DAILY, "startTime": "2035-06-01T12:00:02"}))
        put(client, "later", body({**DAILY, "startTime": "2035-06-01T12:15:00"}))
        client.admin("PUT", "/clock", {"now": "2035-06-01T11:59:59Z"})
        kill(connection.pid, signal.SIGKILL)
    time.sleep(4)
    client = Azure(lifecycle.ensure(home, idle_seconds=600))
    with client.session:
        assert "2035-06-01T12:00:03" <= client.admin("GET", "/clock")["now"] < "2035-06-01T12:10:00"
        client.admin("PUT", "/clock", {"now": "2035-06-01T12:14:59Z"})
        until(lambda: jobs(client, "later"))
        assert jobs(client, "later") == ["later-20350601T121500Z"]
        assert jobs(client, "missed") == []
        assert client.call("GET", "schedules/missed", api=API).json()["properties"]["isEnabled"]
