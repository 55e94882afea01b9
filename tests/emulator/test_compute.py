"""AmlCompute as recorded: 201 Creating always, a 404 without body, quota that leaves a failed record."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.client import Azure


def body(size: str = "Standard_NC24ads_A100_v4", *, least: int = 0, most: int = 2, **inner: Any) -> dict[str, Any]:
    scale = {"minNodeCount": least, "maxNodeCount": most, "nodeIdleTimeBeforeScaleDown": "PT1M40S"}
    properties = {"osType": "Linux", "vmSize": size, "vmPriority": "Dedicated", "scaleSettings": scale, **inner}
    outer = {"computeType": "AmlCompute", "description": "d", "disableLocalAuth": True, "properties": properties}
    return {"location": "eastus", "tags": {"a": "b"}, "properties": outer}


def create(azure: Azure, name: str, sent: dict[str, Any]) -> dict[str, Any]:
    started = azure.call("PUT", f"computes/{name}", sent)
    assert started.status_code == 201, started.text
    assert azure.wait(started) == {"status": "Succeeded", "percentComplete": 100.0}
    found: dict[str, Any] = azure.call("GET", f"computes/{name}").json()
    return found


def test_create_update_delete(azure: Azure) -> None:
    missing = azure.call("GET", "computes/gpu-big")
    assert (missing.status_code, missing.content) == (404, b"")

    started = azure.call("PUT", "computes/gpu-big", body())
    assert started.status_code == 201
    assert "Location" not in started.headers
    assert "Retry-After" not in started.headers
    reply = started.json()["properties"]
    assert reply["provisioningState"] == "Creating"
    assert reply["properties"]["vmSize"] == "STANDARD_NC24ADS_A100_V4"
    assert reply["properties"]["nodeStateCounts"] is None
    assert "propertyBag" not in reply["properties"]
    azure.wait(started)
    live = azure.call("GET", "computes/GPU-BIG").json()
    assert live["name"] == "gpu-big"
    assert live["properties"]["provisioningState"] == "Succeeded"
    assert live["properties"]["properties"]["vmSize"] == "Standard_NC24ads_A100_v4"
    assert live["properties"]["properties"]["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] == "PT1M40S"
    assert live["properties"]["properties"]["nodeStateCounts"]["runningNodeCount"] == 0
    assert "systemData" not in live

    again = azure.call("PUT", "computes/gpu-big", body(most=3))
    assert (again.status_code, again.json()["properties"]["provisioningState"]) == (201, "Creating")
    azure.wait(again)
    updated = azure.call("GET", "computes/gpu-big").json()["properties"]
    assert updated["properties"]["scaleSettings"]["maxNodeCount"] == 3
    assert updated["createdOn"] == live["properties"]["createdOn"]

    gone = azure.call("DELETE", "computes/gpu-big", underlyingResourceAction="Delete")
    assert (gone.status_code, gone.content) == (202, b"")
    azure.wait(gone)
    assert azure.call("GET", "computes/gpu-big").status_code == 404
    assert azure.call("DELETE", "computes/gpu-big").status_code == 204


def test_size_and_tier_of_a_live_cluster_do_not_change(azure: Azure) -> None:
    create(azure, "fixed", body("Standard_D12_v2"))
    answer = azure.call("PUT", "computes/fixed", body("Standard_DS3_v2"))
    assert (answer.status_code, answer.json()["error"]["target"]) == (400, "vmSize")
    assert create(azure, "fixed", body("STANDARD_D12_V2"))["name"] == "fixed", "case is no change"


@pytest.mark.parametrize("size", ["Standard_NoSuch", "Standard_NC6"])
def test_unknown_and_retired_sizes_are_refused_with_those_there_are(azure: Azure, size: str) -> None:
    error = azure.call("PUT", "computes/odd", body(size)).json()["error"]
    assert error["code"] == "InvalidPropertyValue"
    assert size in error["message"]
    assert "Standard_NC24ads_A100_v4" in error["message"]


def test_quota_leaves_a_failed_record_that_holds_the_name(azure: Azure) -> None:
    azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 0})
    try:
        started = azure.call("PUT", "computes/poor", body())
        assert started.status_code == 201, "the refusal comes later"
        ended = azure.wait(started)
        assert ended["status"] == "Failed"
        assert ended["error"]["code"] == "ClusterMinNodesExceedCoreQuota"
        assert "Standard NCADSA100v4 family vCPU quota of 0" in ended["error"]["message"]
        record = azure.call("GET", "computes/poor").json()["properties"]
        assert record["provisioningState"] == "Failed"
        assert record["provisioningErrors"][0]["error"]["code"] == "ClusterMinNodesExceedCoreQuota"
    finally:
        azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 192})
    assert create(azure, "poor", body())["properties"]["provisioningState"] == "Succeeded"


def test_an_update_needs_quota_for_further_nodes_only(azure: Azure) -> None:
    """Assumed: cluster_update_needs_no_node."""
    create(azure, "lives", body())
    azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 0})

    def updated(least: int) -> str:
        return str(azure.wait(azure.call("PUT", "computes/lives", body(least=least)))["status"])

    try:
        assert updated(0) == "Succeeded"
        assert updated(1) == "Failed"
    finally:
        azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 192})
    assert create(azure, "lives", body(least=1))["properties"]["provisioningState"] == "Succeeded"
    azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 0})
    assert updated(1) == "Succeeded", "it keeps what it has, also beyond the quota"
    azure.admin("PUT", "/assumed", {"cluster_update_needs_no_node": False})
    try:
        assert updated(0) == "Failed"
    finally:
        azure.admin("PUT", "/assumed", {"cluster_update_needs_no_node": True})
        azure.admin("PUT", "/quota", {"standardNCADSA100v4Family": 192})


def test_kept_nodes_count_against_the_quota(azure: Azure) -> None:
    create(azure, "kept", body("Standard_F4s_v2", least=2))
    usage = {row["name"]["value"]: row for row in usages(azure) if row["type"].endswith("vmFamily/usages")}
    assert usage["Standard FSv2 Family Cluster Dedicated vCPUs"]["currentValue"] == 8
    assert usage["Standard FSv2 Family Cluster LowPriority vCPUs"]["limit"] == -1
    nodes = azure.call("POST", "computes/kept/listNodes").json()["nodes"]
    assert [node["nodeState"] for node in nodes] == ["idle", "idle"]
    azure.wait(azure.call("DELETE", "computes/kept"))


def usages(azure: Azure) -> list[dict[str, Any]]:
    sub = azure.connection.subscription_id
    path = f"/subscriptions/{sub}/providers/Microsoft.MachineLearningServices/locations/eastus/usages"
    rows: list[dict[str, Any]] = azure.call("GET", path).json()["value"]
    return rows


def test_patch_changes_scale_alone(azure: Azure) -> None:
    create(azure, "patched", body("Standard_D12_v2"))
    scale = {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 7}}}}
    inner = azure.call("PATCH", "computes/patched", scale).json()["properties"]["properties"]
    assert inner["scaleSettings"] == {"minNodeCount": 0, "maxNodeCount": 7, "nodeIdleTimeBeforeScaleDown": "PT1M40S"}


def test_too_many_tags_are_refused(azure: Azure) -> None:
    sent = body() | {"tags": {f"k{n}": "v" for n in range(51)}}
    assert azure.call("PUT", "computes/tagged", sent).json()["error"]["code"] == "InvalidTagCount"
    sent = body() | {"tags": {"k": "v" * 257}}
    assert azure.call("PUT", "computes/tagged", sent).json()["error"]["code"] == "TagValueTooLong"
    sent = body() | {"tags": {"team": "a", "Team": "b"}}
    assert azure.call("PUT", "computes/tagged", sent).json()["error"]["code"] == "InvalidTagNames"
    assert azure.call("GET", "computes/tagged").status_code == 404


def test_noise_flips_the_case_of_the_size(azure: Azure) -> None:
    create(azure, "noisy", body("Standard_D12_v2"))
    azure.admin("PUT", "/settings", {"noise": True})
    try:
        reads = (azure.call("GET", "computes/noisy").json() for _ in range(40))
        seen = {read["properties"]["properties"]["vmSize"] for read in reads}
    finally:
        azure.admin("PUT", "/settings", {"noise": False})
    assert seen == {"Standard_D12_v2", "STANDARD_D12_V2"}


def test_an_operation_that_fails_tells_its_inner_errors(azure: Azure) -> None:
    details = [{"code": "NodeSetup", "message": "no image"}]
    failure = {"later": True, "code": "InternalServerError", "message": "not today", "details": details}
    azure.admin("POST", "/faults", {"pattern": "^PUT .*/computes/told", **failure, "inner": ["Outer", "Inner"]})
    error = azure.wait(azure.call("PUT", "computes/told", body("Standard_D12_v2")))["error"]
    assert (error["code"], error["message"], error["details"]) == ("InternalServerError", "not today", details)
    chain = {"code": "Outer", "innerError": {"code": "Inner", "innerError": None}}
    assert error["additionalInfo"] == [{"type": "InnerError", "info": {"value": chain}}]
    record = azure.call("GET", "computes/told").json()["properties"]
    assert record["provisioningErrors"] == [{"error": error}]
    azure.wait(azure.call("DELETE", "computes/told"))


def test_operations_that_fail_on_request_leave_a_failed_record(azure: Azure) -> None:
    failure = {"later": True, "code": "InternalServerError", "message": "not today"}
    azure.admin("POST", "/faults", {"pattern": "^PUT .*/computes/asked", **failure})
    started = azure.call("PUT", "computes/asked", body("Standard_D12_v2"))
    assert (started.status_code, azure.wait(started)["error"]["message"]) == (201, "not today")
    record = azure.call("GET", "computes/asked").json()["properties"]
    assert record["provisioningState"] == "Failed"
    assert record["provisioningErrors"][0]["error"]["code"] == "InternalServerError"
    azure.admin("POST", "/faults", {"pattern": "^DELETE .*/computes/asked", **failure})
    assert azure.wait(azure.call("DELETE", "computes/asked"))["status"] == "Failed"
    assert azure.call("GET", "computes/asked").json()["properties"]["provisioningState"] == "Failed"
    assert azure.wait(azure.call("DELETE", "computes/asked"))["status"] == "Succeeded"
