"""Admin requests: faults, settings, the request log, reset."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from phift.emulator.host import lifecycle
from phift.errors import EmulatorError
from tests.emulator.client import Azure


def test_a_fault_fails_the_requests_it_names_and_no_more(azure: Azure) -> None:
    azure.token()
    azure.admin("POST", "/faults", {"pattern": r"^GET .*/computes\?", "status": 503, "offset": 1, "count": 2})
    seen = [azure.call("GET", "computes").status_code for _ in range(5)]
    assert seen == [200, 503, 503, 200, 200]
    (fault,) = azure.admin("GET", "/faults")["value"]
    assert fault["struck"] == 2
    azure.admin("DELETE", "/faults")
    assert azure.admin("GET", "/faults")["value"] == []


def test_a_throttle_says_when_to_come_again(azure: Azure) -> None:
    azure.token()
    fault = {"pattern": "/models", "status": 429, "code": "TooManyRequests", "headers": {"Retry-After": "1"}}
    azure.admin("POST", "/faults", fault)
    answer = azure.call("GET", "models")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json()["error"]["code"] == "TooManyRequests"


def test_a_fault_says_all_that_an_error_can_say(azure: Azure) -> None:
    azure.token()
    policy = {"type": "PolicyViolation", "info": {"policyAssignmentName": "cost"}}
    inner = {"code": "Missing", "message": "no tag", "details": []}
    fault = {"pattern": "/models", "status": 403, "code": "RequestDisallowedByPolicy", "info": [policy]}
    azure.admin("POST", "/faults", {**fault, "details": [inner], "inner": ["Denied", "ByTag"]})
    error = azure.call("GET", "models").json()["error"]
    assert (error["code"], error["details"]) == ("RequestDisallowedByPolicy", [inner])
    assert error["additionalInfo"][-1] == policy
    chain = next(info for info in error["additionalInfo"] if info["type"] == "InnerError")
    assert chain["info"]["value"] == {"code": "Denied", "innerError": {"code": "ByTag", "innerError": None}}


@pytest.mark.parametrize(("after", "made"), [(False, False), (True, True)])
def test_a_dropped_answer_with_and_without_its_effect(azure: Azure, *, after: bool, made: bool) -> None:
    azure.token()
    path = f"data/dropped-{after}/versions/1"
    azure.admin("POST", "/faults", {"pattern": "^PUT .*/data/dropped", "drop": True, "after": after})
    body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}}
    with pytest.raises(requests.ConnectionError):
        azure.call("PUT", path, body)
    assert (azure.call("GET", path).status_code == 200) is made


def test_faults_speak_as_the_host_that_was_asked(azure: Azure) -> None:
    azure.token()
    azure.admin("POST", "/faults", {"pattern": r"\.blob\.", "status": 503, "code": "ServerBusy"})
    answer = azure.session.get("https://any.blob.core.windows.net/c/b")
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (503, "ServerBusy")
    assert "<Code>ServerBusy</Code>" in answer.text


def test_a_stale_read_shows_what_was_there_before(azure: Azure) -> None:
    body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}}
    azure.call("PUT", "data/lag/versions/1", body)
    azure.admin("POST", "/faults", {"pattern": "^GET .*/data/lag/versions", "stale": True, "count": 2})

    def seen() -> list[str]:
        return [each["name"] for each in azure.call("GET", "data/lag/versions").json()["value"]]

    assert seen() == ["1"]
    azure.call("PUT", "data/lag/versions/2", body)
    assert (seen(), seen()) == (["1"], ["2", "1"])


def test_a_kill_is_survived_by_what_was_written(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home))
    body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}}
    azure.token()
    azure.admin("POST", "/faults", {"pattern": "^PUT .*/data/killed", "kill": True, "after": True})
    with pytest.raises(requests.ConnectionError):
        azure.call("PUT", "data/killed/versions/1", body)
    azure.session.close()
    again = Azure(lifecycle.ensure(home))
    assert again.call("GET", "data/killed/versions/1").status_code == 200
    again.session.close()


def test_noise_adds_and_reorders_but_changes_nothing_known(azure: Azure) -> None:
    quiet = azure.call("GET", "datastores/workspaceblobstore").json()
    azure.admin("PUT", "/settings", {"noise": True})
    try:
        loud = azure.call("GET", "datastores/workspaceblobstore").json()
        listed = azure.call("GET", "datastores").json()["value"]
    finally:
        azure.admin("PUT", "/settings", {"noise": False})
    assert "newInALaterRelease" in loud["properties"]
    assert all(loud["properties"][key] == value for key, value in quiet["properties"].items())
    assert {each["name"] for each in listed} > {"workspaceblobstore"}


def test_a_delay_only_delays(azure: Azure) -> None:
    azure.token()
    azure.admin("POST", "/faults", {"pattern": "/vmSizes", "delay": 0.3})
    sub = azure.connection.subscription_id
    path = f"/subscriptions/{sub}/providers/Microsoft.MachineLearningServices/locations/eastus/vmSizes"
    first, second = azure.call("GET", path), azure.call("GET", path)
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.elapsed.total_seconds() > 0.3 > second.elapsed.total_seconds()


@pytest.mark.parametrize("fault", [{}, {"pattern": "("}, {"pattern": "x"}, {"pattern": "x", "status": 500, "typo": 1}])
def test_faults_are_checked(azure: Azure, fault: dict[str, object]) -> None:
    with pytest.raises(EmulatorError, match=r"(refused POST /faults|Not a fault|needs status)"):
        azure.admin("POST", "/faults", fault)


def test_the_request_log_tells_paths_and_never_queries(azure: Azure) -> None:
    azure.call("GET", "computes", sig="secret-signature")
    last = azure.admin("GET", "/requests?count=1")["value"][0]
    assert (last["method"], last["status"]) == ("GET", 200)
    assert last["path"].endswith("/computes")
    assert "secret-signature" not in str(azure.admin("GET", "/requests?count=1000"))


def test_settings_and_quota_are_checked(azure: Azure) -> None:
    assert azure.admin("PUT", "/settings", {"pace": "faithful"})["pace"] == "faithful"
    assert azure.admin("PUT", "/settings", {"pace": "fast"})["pace"] == "fast"
    for body in ({"pace": "slow"}, {"noise": "yes"}, {"other": 1}):
        with pytest.raises(EmulatorError):
            azure.admin("PUT", "/settings", body)
    with pytest.raises(EmulatorError, match="Names:"):
        azure.admin("PUT", "/quota", {"noSuchFamily": 3})


def test_reset_empties_the_workspace_in_place(azure: Azure) -> None:
    body = {"properties": {"dataType": "uri_file", "dataUri": "azureml://datastores/workspaceblobstore/paths/x"}}
    assert azure.call("PUT", "data/before/versions/1", body).status_code == 201
    azure.admin("POST", "/reset")
    assert azure.call("GET", "data/before/versions/1").status_code == 404
    assert azure.call("GET", "datastores/workspaceblobstore").status_code == 200, "the workspace is born anew"
