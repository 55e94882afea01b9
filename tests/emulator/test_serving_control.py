"""Endpoints and deployments as resources: documents, refusals, states, keys. Nothing here loads a model."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.emulator.client import Azure
from tests.emulator.serving import API, Serving, refused

BROKEN = "def init(): raise RuntimeError('no luck')\ndef run(data): return data\n"
ECHO = "def init(): pass\ndef run(data): return data\n"


@pytest.fixture
def serving(azure: Azure) -> Serving:
    return Serving(azure)


def test_an_endpoint_from_create_to_delete(serving: Serving) -> None:
    started = serving.put_endpoint("life-one", description="d")
    assert started.status_code == 201
    assert started.headers["Location"].endswith(f"/onlineEndpoints/life-one?api-version={API}")
    assert started.headers["x-ms-async-operation-timeout"] == "PT30M"
    assert "Retry-After" not in started.headers
    body = started.json()
    assert body["properties"]["provisioningState"] == "Creating"
    assert (body["properties"]["scoringUri"], body["properties"]["traffic"]) == (None, {})
    assert body["identity"]["principalId"]
    serving.ok(started)

    live = serving.get("life-one", api="2022-02-01-preview")
    bag = live["properties"].pop("properties")
    assert bag["mine"] == "1"
    assert bag["azureml.onlineendpointid"] == live["id"].lower()
    assert bag["AzureAsyncOperationUri"].endswith("?api-version=2022-02-01-preview"), "that of the request"
    assert live["properties"] == {
        "description": "d",
        "scoringUri": "https://life-one.eastus.inference.ml.azure.com/score",
        "swaggerUri": "https://life-one.eastus.inference.ml.azure.com/swagger.json",
        "authMode": "Key",
        "provisioningState": "Succeeded",
        "compute": None,
        "traffic": {},
        "mirrorTraffic": {},
        "publicNetworkAccess": "Enabled",
    }
    assert set(live["systemData"]) == {"createdAt", "createdBy", "lastModifiedAt"}

    again = serving.put_endpoint("LIFE-ONE")
    assert (again.status_code, again.json()["name"]) == (201, "life-one")
    assert again.json()["properties"]["provisioningState"] == "Creating", "what a PUT answers, not what a GET does"
    serving.ok(again)
    updated = serving.get("life-one")
    assert updated["properties"]["description"] is None, "a PUT clears what it leaves out"
    assert updated["identity"] == live["identity"]

    tagged = serving.azure.call("PATCH", "onlineEndpoints/life-one", {"tags": {"c": "d"}}, api=API)
    assert (tagged.status_code, tagged.json()["tags"]) == (200, {"c": "d"})
    assert tagged.json()["properties"]["provisioningState"] == "Succeeded"
    listed = serving.azure.call("GET", "onlineEndpoints", api=API).json()
    assert [each["name"] for each in listed["value"]] == ["life-one"]
    assert serving.azure.call("GET", "onlineEndpoints/life-one/deployments", api=API).json() == {"value": []}

    gone = serving.delete("life-one")
    assert (gone.status_code, gone.text) == (202, "null")
    assert "/mfeOperationResults/oeidp:" in gone.headers["Location"]
    serving.ok(gone)
    assert serving.delete("life-one").status_code == 204
    assert serving.azure.call("GET", "onlineEndpoints/life-one", api=API).status_code == 404


@pytest.mark.parametrize("name", ["ab", "a" * 33, "1abc", "a--b", "abc-", "a_bc"])
def test_names_that_are_refused(serving: Serving, name: str) -> None:
    assert "is invalid: 3 to 32" in refused(serving.put_endpoint(name))["errors"]["Name"][0]


def test_a_name_another_tenant_has(serving: Serving) -> None:
    serving.azure.admin("PUT", "/endpointNames/taken")
    text = refused(serving.put_endpoint("taken"))["errors"][""][0]
    assert text.startswith("There is already an endpoint with this name")
    serving.azure.admin("DELETE", "/endpointNames/taken")
    serving.ok(serving.put_endpoint("taken"))


def test_a_name_is_busy_until_the_delete_has_ended(serving: Serving) -> None:
    serving.endpoint("held")
    serving.azure.admin("PUT", "/settings", {"pace": "faithful"})
    try:
        gone = serving.delete("held")
        assert "There is already an endpoint" in refused(serving.put_endpoint("held"))["errors"][""][0]
        assert serving.delete("held").headers["Azure-AsyncOperation"] == gone.headers["Azure-AsyncOperation"]
        slow = serving.put_endpoint("slow")
        assert "x-ms-retry-after-ms" not in slow.headers
        assert serving.put_endpoint("slow").status_code == 409
        text = refused(serving.put_deployment("slow", "blue", "azureml:none:1"))["errors"][""][0]
        assert "has not been created successfully" in text
    finally:
        serving.azure.admin("PUT", "/settings", {"pace": "fast"})


def test_keys_and_tokens_by_auth_mode(serving: Serving) -> None:
    serving.endpoint("with-keys")
    path = "onlineEndpoints/with-keys"
    before = serving.azure.call("POST", f"{path}/listKeys", api=API).json()
    started = serving.azure.call("POST", f"{path}/regenerateKeys", {"keyType": "Primary", "keyValue": "x"}, api=API)
    assert started.status_code == 202
    serving.ok(started)
    after = serving.azure.call("POST", f"{path}/listKeys", api=API).json()
    assert after["primaryKey"] not in (before["primaryKey"], "x")
    assert after["secondaryKey"] == before["secondaryKey"]
    refused(serving.azure.call("POST", f"{path}/token", api=API))

    serving.endpoint("with-tokens", mode="AMLToken")
    token = serving.azure.call("POST", "onlineEndpoints/with-tokens/token", api=API).json()
    assert token["tokenType"] == "Bearer"
    assert abs(token["expiryTimeUtc"] - time.time() - 86400) < 60
    assert token["expiryTimeUtc"] - token["refreshAfterTimeUtc"] == 43200
    refused(serving.azure.call("POST", "onlineEndpoints/with-tokens/listKeys", api=API))
    assert "AuthMode" in refused(serving.put_endpoint("odd", mode="Password"))["errors"]


def test_traffic_cannot_be_set_at_creation_or_to_nobody(serving: Serving) -> None:
    assert "cannot be set when" in refused(serving.put_endpoint("early", traffic={"blue": 100}))["errors"]["Traffic"][0]
    serving.endpoint("late")
    text = refused(serving.put_endpoint("late", traffic={"blue": 100}))["errors"]["Traffic"][0]
    assert "does not exist" in text
    assert (
        "does not exist" in refused(serving.put_endpoint("late", mirrorTraffic={"a": 10}))["errors"]["MirrorTraffic"][0]
    )


@pytest.mark.parametrize(
    ("change", "field", "why"),
    [
        ({"size": "Standard_NoSuch"}, "InstanceType", "is not supported"),
        ({"size": "Standard_NC6"}, "InstanceType", "was retired"),
        ({"model": "azureml:none:1"}, "Model", "cannot be found"),
        ({"model": ""}, "Model", "needs a model"),
        ({"capacity": 0}, "Sku.Capacity", "1 to 50"),
        ({"requestSettings": {"requestTimeout": "PT181S"}}, "RequestSettings.RequestTimeout", "180 seconds"),
        ({"requestSettings": {"requestTimeout": "5s"}}, "RequestSettings", "not a duration"),
        ({"livenessProbe": {"period": "PT0S"}}, "LivenessProbe", "at least one second"),
        ({"dataCollector": {"rollingRate": "Hour"}}, "DataCollector.Collections", "needs collections"),
        (
            {"dataCollector": {"collections": {"model_inputs": {"dataCollectionMode": "On"}}}},
            "DataCollector.Collections.model_inputs",
            "Enabled or Disabled",
        ),
        (
            {"dataCollector": {"collections": {"model_inputs": {"dataCollectionMode": "Enabled", "samplingRate": 2}}}},
            "DataCollector.Collections.model_inputs",
            "from 0 to 1",
        ),
        (
            {
                "dataCollector": {
                    "collections": {"model_inputs": {"dataCollectionMode": "enabled"}},
                    "rollingRate": "Week",
                }
            },
            "DataCollector.RollingRate",
            "one of",
        ),
        ({"codeConfiguration": {"codeId": "azureml:x:1", "scoringScript": "a"}}, "CodeConfiguration.CodeId", "cannot"),
    ],
)
def test_deployments_that_are_refused_at_once(serving: Serving, change: dict[str, Any], field: str, why: str) -> None:
    serving.endpoint("strict")
    sent = {"model": serving.model("strict", {"MLmodel": b"flavors: {}"}), **change}
    problem = refused(serving.put_deployment("strict", "blue", sent.pop("model"), **sent))
    assert why in problem["errors"][field][0]
    assert serving.azure.call("GET", "onlineEndpoints/strict/deployments/blue", api=API).status_code == 404


def test_a_deployment_needs_its_endpoint_and_a_model_that_is_no_mlflow_model_needs_code(serving: Serving) -> None:
    model = serving.model("plain", {"weights.bin": b"0"}, "custom_model")
    assert serving.put_deployment("nowhere", "blue", model).status_code == 404
    serving.endpoint("plain")
    assert "CodeConfiguration" in refused(serving.put_deployment("plain", "blue", model))["errors"]


def test_quota_is_a_fifth_more_than_the_cores_and_free_after_the_delete(serving: Serving) -> None:
    serving.endpoint("quota")
    model = serving.model("quota", {"MLmodel": b"flavors: {}"})
    serving.azure.admin("PUT", "/quota", {"standardFSv2Family": 6})
    try:
        text = refused(serving.put_deployment("quota", "blue", model))["errors"]["VmSize"][0]
        assert "Current usage/limit: 0/6. Additional needed: 8 " in text
        serving.azure.admin("PUT", "/quota", {"standardFSv2Family": 8, "dedicatedCores": 4})
        error = serving.failed(serving.put_deployment("quota", "blue", model))
        assert error["code"] == "OutOfQuota"
        assert serving.azure.admin("GET", "/quota")["used"]["standardFSv2Family"] == 8, "a failed one holds quota"
        serving.ok(serving.delete("quota/deployments/blue"))
        assert serving.azure.admin("GET", "/quota")["used"].get("standardFSv2Family", 0) == 0
    finally:
        serving.azure.admin("PUT", "/quota", {"standardFSv2Family": 192, "dedicatedCores": 1000})


def test_a_broken_model_folder_fails_for_good(serving: Serving) -> None:
    serving.endpoint("broken")
    model = serving.model("broken", {"MLmodel": b"flavors: {sklearn: {}}"})
    error = serving.failed(serving.put_deployment("broken", "blue", model))
    assert error["code"] == "BadArgument"
    assert "sklearn" in error["message"]
    assert serving.get("broken", "blue")["properties"]["provisioningState"] == "Failed"
    assert "sklearn" in serving.logs("broken", "blue", containerType="StorageInitializer")
    text = refused(serving.put_deployment("broken", "blue", model))["errors"][""][0]
    assert text.startswith("Specified deployment [blue] failed during initial provisioning")
    assert (
        "Failed and not Succeeded"
        in refused(serving.put_endpoint("broken", traffic={"blue": 100}))["errors"]["Traffic"][0]
    )
    serving.ok(serving.delete("broken/deployments/blue"))
    assert serving.delete("broken/deployments/blue").status_code == 204


def test_a_model_path_with_nothing_there(serving: Serving) -> None:
    serving.endpoint("nothing")
    error = serving.failed(serving.put_deployment("nothing", "blue", serving.model("nothing", {})))
    assert (error["code"], "nothing is at its path models/nothing" in error["message"]) == ("BadArgument", True)


def test_a_container_that_never_starts_leaves_its_traceback_in_the_log(serving: Serving) -> None:
    serving.endpoint("crash")
    code = {"codeId": serving.code("crash", BROKEN), "scoringScript": "score.py"}
    started = serving.put_deployment("crash", "blue", "", codeConfiguration=code)
    assert "can't be retrieved" in serving.logs("crash", "blue")
    error = serving.failed(started)
    assert error["code"] == "ResourceNotReady"
    assert "no luck" in serving.logs("crash", "blue")
    assert len(serving.logs("crash", "blue", tail=3).splitlines()) == 3


def test_a_script_that_is_not_in_the_code(serving: Serving) -> None:
    serving.endpoint("no-script")
    code = {"codeId": serving.code("no-script", ECHO), "scoringScript": "other.py"}
    error = serving.failed(serving.put_deployment("no-script", "blue", "", codeConfiguration=code))
    assert (error["code"], "other.py" in error["message"]) == ("BadArgument", True)


def test_a_container_that_hangs_fails_when_its_readiness_probe_has_had_enough(serving: Serving) -> None:
    serving.endpoint("hangs")
    code = {"codeId": serving.code("hangs", "import time\ndef init(): time.sleep(600)\ndef run(d): return d\n")}
    probe = {"initialDelay": "PT1S", "period": "PT1S", "failureThreshold": 2}
    code["scoringScript"] = "score.py"
    began = time.monotonic()
    error = serving.failed(serving.put_deployment("hangs", "blue", "", codeConfiguration=code, readinessProbe=probe))
    assert error["code"] == "ResourceNotReady"
    assert "no good answer within 3 s" in error["message"]
    assert time.monotonic() - began < 300
    assert serving.get("hangs", "blue")["properties"]["readinessProbe"]["timeout"] == "PT2S", "defaults are filled in"


def test_deleting_an_endpoint_ends_a_deployment_that_is_being_made(serving: Serving) -> None:
    serving.endpoint("hasty")
    code = {"codeId": serving.code("hasty", "import time\ndef init(): time.sleep(600)\ndef run(d): return d\n")}
    started = serving.put_deployment("hasty", "blue", "", codeConfiguration={**code, "scoringScript": "score.py"})
    assert serving.delete("hasty/deployments/blue").status_code == 409, "it refuses while it is being made"
    time.sleep(1)
    serving.ok(serving.delete("hasty"))
    assert serving.azure.wait(started)["status"] == "Canceled"
    assert serving.azure.admin("GET", "/status")["busy"] is False
    serving.ok(serving.put_endpoint("hasty"))


def fault(serving: Serving, pattern: str, code: str = "SubscriptionNotRegistered") -> None:
    serving.azure.admin("POST", "/faults", {"pattern": pattern, "later": True, "code": code, "message": "not now"})


def test_an_endpoint_whose_creation_failed_is_there_and_holds_its_name(serving: Serving) -> None:
    fault(serving, "^PUT .*/onlineEndpoints/unborn")
    started = serving.put_endpoint("unborn")
    assert (started.status_code, started.json()["properties"]["provisioningState"]) == (201, "Creating")
    assert serving.failed(started) == {"code": "SubscriptionNotRegistered", "message": "not now"}
    left = serving.get("unborn")["properties"]
    assert (left["provisioningState"], left["scoringUri"]) == ("Failed", None)
    model = serving.model("unborn", {"MLmodel": b"flavors: {}"})
    text = refused(serving.put_deployment("unborn", "blue", model))["errors"][""][0]
    assert text == "Specified endpoint [unborn] has not been created successfully. Please recreate the endpoint."

    serving.azure.admin("PUT", "/assumed", {"failed_endpoint_is_put_again": False})
    assert "recreate" in refused(serving.put_endpoint("unborn"))["errors"][""][0]
    serving.azure.admin("PUT", "/assumed", {"failed_endpoint_is_put_again": True})
    again = serving.put_endpoint("unborn")
    assert again.status_code == 201
    serving.ok(again)
    assert serving.get("unborn")["properties"]["scoringUri"]


def test_an_update_or_delete_that_fails_leaves_the_endpoint_there(serving: Serving) -> None:
    before = serving.endpoint("stubborn")
    fault(serving, "^PUT .*/onlineEndpoints/stubborn", "OperationCanceled")
    started = serving.put_endpoint("stubborn", description="new")
    assert (started.status_code, serving.failed(started)["code"]) == (201, "OperationCanceled")
    after = serving.get("stubborn")["properties"]
    assert (after["provisioningState"], after["scoringUri"]) == ("Failed", before["properties"]["scoringUri"])
    serving.ok(serving.put_endpoint("stubborn"))

    fault(serving, "^DELETE .*/onlineEndpoints/stubborn", "InternalServerError")
    serving.failed(serving.delete("stubborn"))
    assert serving.get("stubborn")["properties"]["provisioningState"] == "Failed"
    serving.ok(serving.delete("stubborn"))


def test_a_deployment_that_fails_for_a_reason_of_the_services_own_is_unrecoverable(serving: Serving) -> None:
    serving.endpoint("no-image")
    model = serving.model("no-image", {"MLmodel": b"flavors: {}"})
    fault(serving, "^PUT .*/deployments/blue", "ImageBuildFailure")
    assert serving.failed(serving.put_deployment("no-image", "blue", model))["code"] == "ImageBuildFailure"
    assert serving.get("no-image", "blue")["properties"]["provisioningState"] == "Failed"
    assert "unrecoverable" in refused(serving.put_deployment("no-image", "blue", model))["errors"][""][0]
    serving.ok(serving.delete("no-image/deployments/blue"))


def test_endpoints_are_listed_in_pages_and_by_what_they_carry(serving: Serving) -> None:
    for number in range(3):
        serving.endpoint(f"listed-{number}", properties={"team": f"t{number}"})

    def names(**query: str) -> list[str]:
        answer = serving.azure.call("GET", "onlineEndpoints", api=API, **query).json()
        return [each["name"] for each in answer["value"] if each["name"].startswith("listed-")]

    assert names() == ["listed-0", "listed-1", "listed-2"]
    assert names(orderBy="CreatedTimeDesc") == ["listed-2", "listed-1", "listed-0"]
    assert names(name="LISTED-1") == ["listed-1"]
    assert names(properties="team=t2") == ["listed-2"]
    assert names(tags="a=b,c") == []
    assert names(computeType="Kubernetes") == []
    assert "$skipToken=" in serving.azure.call("GET", "onlineEndpoints", api=API, count="1").json()["nextLink"]
