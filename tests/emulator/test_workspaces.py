"""Workspaces besides the home's own: created, kept apart, in other regions, removed with all they hold."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from phift.errors import EmulatorError
from tests.emulator.client import Azure

API = "2024-10-01-preview"


def groups(azure: Azure) -> str:
    return f"/subscriptions/{azure.connection.subscription_id}/resourceGroups"


def path_of(azure: Azure, name: str, group: str = "") -> str:
    group = group or azure.connection.resource_group
    return f"{groups(azure)}/{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"


def create(azure: Azure, name: str, location: str = "eastus", *, group: str = "", **body: object) -> Azure:
    """A new workspace, and a client of it."""
    answer = azure.call("PUT", path_of(azure, name, group), {"location": location, **body}, api=API)
    assert answer.status_code == 201, answer.text
    assert answer.json()["properties"]["provisioningState"] == "Creating"
    assert azure.wait(answer)["status"] == "Succeeded"
    return client_of(azure, name, location, group)


def client_of(azure: Azure, name: str, location: str = "eastus", group: str = "") -> Azure:
    group = group or azure.connection.resource_group
    client = Azure(replace(azure.connection, workspace_name=name, resource_group=group, location=location))
    client.session = azure.session
    return client


@pytest.fixture(scope="module")
def second(served: Connection) -> Iterator[Azure]:
    """A second workspace of the home, in the region of the first."""
    azure = Azure(served)
    with azure.session:
        yield create(azure, "second", tags={"team": "b"})


def code(answer: requests.Response) -> str:
    return str(answer.json()["error"]["code"])


def test_a_workspace_has_ids_hosts_and_storage_of_its_own(azure: Azure, second: Azure) -> None:
    first = azure.call("GET", azure.workspace, api=API).json()
    other = second.call("GET", second.workspace, api=API).json()
    assert other["id"] == second.workspace
    assert other["tags"] == {"team": "b"}
    for key in ("workspaceId", "storageAccount", "keyVault", "mlFlowTrackingUri", "sdkTelemetryAppInsightsKey"):
        assert other["properties"][key] != first["properties"][key]
    names = {each["name"] for each in azure.call("GET", path_of(azure, "").rstrip("/"), api=API).json()["value"]}
    assert names >= {azure.connection.workspace_name, "second"}


def test_assets_of_one_workspace_are_not_in_the_other(azure: Azure, second: Azure) -> None:
    body = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m", "modelType": "custom_model"}}
    made = second.call("PUT", "models/apart/versions/1", body).json()
    assert made["id"].startswith(second.workspace)
    assert "/workspaces/second/datastores/" in made["properties"]["modelUri"]
    assert azure.call("GET", "models/apart/versions/1").status_code == 404
    assert second.call("GET", "models/apart/versions/1").status_code == 200


def test_blobs_are_in_the_account_of_the_workspace(azure: Azure, second: Azure) -> None:
    stores = [each.call("GET", "datastores/workspaceblobstore").json()["properties"] for each in (azure, second)]
    accounts = [each["accountName"] for each in stores]
    assert accounts[0] != accounts[1]
    secret = second.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()
    url = f"https://{accounts[1]}.blob.core.windows.net/{stores[1]['containerName']}/x{secret['sasToken']}"
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"}
    assert second.session.put(url, data=b"b", headers=headers).status_code == 201
    elsewhere = url.replace(accounts[1], accounts[0])
    assert second.session.get(elsewhere, headers=headers).status_code == 403, "its signature is of another account"
    assert second.session.get(url, headers=headers).content == b"b"


def test_the_name_of_an_endpoint_is_unique_in_a_region(azure: Azure, second: Azure) -> None:
    body = {"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
    assert second.wait(second.call("PUT", "onlineEndpoints/taken-once", body))["status"] == "Succeeded"
    refused = azure.call("PUT", "onlineEndpoints/taken-once", body)
    assert refused.status_code == 400
    assert "unique within a region" in refused.text


def test_quota_is_of_the_region(azure: Azure, second: Azure) -> None:
    nodes = {"minNodeCount": 2, "maxNodeCount": 2}
    inner = {"vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "scaleSettings": nodes}
    body = {"location": "eastus", "properties": {"computeType": "AmlCompute", "properties": inner}}
    before = azure.admin("GET", "/quota")["used"]["dedicatedCores"]
    assert second.wait(second.call("PUT", "computes/shared-quota", body))["status"] == "Succeeded"
    assert azure.admin("GET", "/quota")["used"]["dedicatedCores"] == before + 8
    usages = f"/subscriptions/{azure.connection.subscription_id}/providers/Microsoft.MachineLearningServices/locations"
    rows = azure.call("GET", f"{usages}/eastus/usages").json()["value"]
    of_workspaces = [row for row in rows if row["type"].endswith("/workspaces/usages") and "DSv2" in row["id"]]
    used = {row["id"].split("/")[8]: row["currentValue"] for row in of_workspaces}
    assert (used["second"], used[azure.connection.workspace_name]) == (8, before)
    far = create(azure, "far-away", "westeurope")
    azure.admin("PUT", "/quota?location=westeurope", {"dedicatedCores": 7})
    assert azure.admin("GET", "/quota?location=westeurope")["limits"]["dedicatedCores"] == 7
    assert azure.admin("GET", "/quota")["limits"]["dedicatedCores"] != 7
    rows = far.call("GET", f"{usages}/westeurope/usages").json()["value"]
    assert next(row for row in rows if row["name"]["value"].startswith("Total Cluster Dedicated"))["currentValue"] == 0


def test_the_region_decides_the_hosts(azure: Azure) -> None:
    far = create(azure, "farther", "West Europe")
    document = far.call("GET", far.workspace, api=API).json()
    assert document["location"] == "westeurope"
    assert document["properties"]["discoveryUrl"] == "https://westeurope.api.azureml.ms/discovery"
    found = azure.session.get(document["properties"]["discoveryUrl"]).json()
    assert found["api"] == "https://westeurope.api.azureml.ms"
    path = f"/mlflow/v1.0{far.workspace}/api/2.0/mlflow/experiments/search"
    query = {"host": "eastus.api.azureml.ms", "max_results": "1"}
    assert code(far.call("GET", path, **query)) == "UserError", "the host of another region does not serve it"
    body = {"location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
    assert far.wait(far.call("PUT", "onlineEndpoints/taken-once", body))["status"] == "Succeeded"
    uri = far.call("GET", "onlineEndpoints/taken-once").json()["properties"]["scoringUri"]
    assert uri == "https://taken-once.westeurope.inference.ml.azure.com/score"
    assert azure.session.post(uri, json={}).status_code == 401, "the endpoint is found by its host"


def test_a_delete_takes_all_with_it(azure: Azure) -> None:
    gone = create(azure, "to-be-deleted")
    account = gone.call("GET", "datastores/workspaceblobstore").json()["properties"]["accountName"]
    answer = gone.call("DELETE", gone.workspace, api=API)
    assert answer.status_code == 202
    assert gone.wait(answer)["status"] == "Succeeded"
    assert code(gone.call("GET", gone.workspace, api=API)) == "ResourceNotFound"
    assert code(gone.call("GET", "models")) == "UserError"
    assert gone.session.get(f"https://{account}.blob.core.windows.net/?comp=list").status_code == 404
    assert gone.call("DELETE", gone.workspace, api=API).status_code == 204
    again = create(azure, "to-be-deleted")
    assert again.call("GET", "datastores/workspaceblobstore").json()["properties"]["accountName"] != account


def test_an_update_changes_what_it_names(azure: Azure, second: Azure) -> None:
    body = {"tags": {"team": "c"}, "properties": {"description": "of c", "systemDatastoresAuthMode": "identity"}}
    changed = second.call("PATCH", second.workspace, body, api=API).json()
    assert (changed["tags"], changed["properties"]["description"]) == ({"team": "c"}, "of c")
    assert changed["properties"]["friendlyName"] == "second"
    refused = second.call("POST", "datastores/workspaceblobstore/listSecrets", {})
    assert refused.status_code == 400, "its datastores have no credentials now"
    second.call("PATCH", second.workspace, {"properties": {"systemDatastoresAuthMode": "accesskey"}}, api=API)
    assert azure.call("PATCH", azure.workspace, {"tags": {"own": "1"}}, api=API).json()["tags"] == {"own": "1"}
    azure.call("PATCH", azure.workspace, {"tags": {}}, api=API)


def test_groups_are_created_and_found(azure: Azure) -> None:
    missing = azure.call("GET", path_of(azure, "in-no-group", "nowhere"), api=API)
    assert code(missing) == "ResourceGroupNotFound"
    assert azure.call("PUT", f"{groups(azure)}/nowhere-2", {"location": "eastus2"}).status_code == 201
    assert azure.call("PUT", f"{groups(azure)}/nowhere-2", {"location": "eastus2"}).status_code == 200
    assert (
        code(azure.call("PUT", f"{groups(azure)}/nowhere-2", {"location": "eastus"})) == "InvalidResourceGroupLocation"
    )
    listed = [each["name"] for each in azure.call("GET", groups(azure)).json()["value"]]
    assert listed == [azure.connection.resource_group, "nowhere-2"]
    inside = create(azure, "inside", "eastus2", group="nowhere-2")
    assert inside.call("GET", "datastores").status_code == 200
    assert code(azure.call("GET", path_of(azure, "inside"), api=API)) == "ResourceNotFound"


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("x", {"location": "eastus"}, "ValidationError"),
        ("in-atlantis", {"location": "atlantis"}, "LocationNotAvailableForResourceType"),
        ("a-hub", {"location": "eastus", "kind": "hub"}, "NotImplemented"),
        ("second", {"location": "westus"}, "InvalidResourceLocation"),
    ],
)
def test_what_is_refused(azure: Azure, second: Azure, name: str, body: dict[str, str], expected: str) -> None:
    assert code(azure.call("PUT", path_of(azure, name), body, api=API)) == expected


def test_a_failed_creation_keeps_its_name_until_it_is_deleted(azure: Azure) -> None:
    fault = {"pattern": "PUT .*/workspaces/unlucky", "later": True, "code": "Conflict", "message": "no"}
    azure.admin("POST", "/faults", fault)
    answer = azure.call("PUT", path_of(azure, "unlucky"), {"location": "eastus"}, api=API)
    assert azure.wait(answer)["error"]["code"] == "Conflict"
    client = client_of(azure, "unlucky")
    assert client.call("GET", client.workspace, api=API).json()["properties"]["provisioningState"] == "Failed"
    assert client.call("GET", "models").status_code == 404
    assert azure.wait(client.call("DELETE", client.workspace, api=API))["status"] == "Succeeded"


def test_workspaces_survive_a_kill_also_half_created(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    other = create(azure, "kept")
    body = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m", "modelType": "custom_model"}}
    assert other.call("PUT", "models/m/versions/1", body).status_code == 201
    azure.admin("PUT", "/settings", {"pace": "faithful"})
    answer = azure.call("PUT", path_of(azure, "half-made"), {"location": "eastus"}, api=API)
    azure.admin("POST", "/faults", {"pattern": "GET .*/models", "kill": True})
    with pytest.raises(requests.RequestException):
        azure.call("GET", "models")
    azure.session.close()
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    other = client_of(azure, "kept")
    assert other.call("GET", "models/m/versions/1").status_code == 200
    assert code(client_of(azure, "half-made").call("GET", "models")) == "UserError"
    deadline = time.monotonic() + 30
    while (
        azure.call("GET", path_of(azure, "half-made"), api=API).json()["properties"]["provisioningState"] == "Creating"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert client_of(azure, "half-made").call("GET", "models").status_code == 200
    assert azure.wait(answer)["status"] == "Succeeded"
    azure.admin("POST", "/reset")
    assert code(other.call("GET", other.workspace, api=API)) == "ResourceNotFound"
    azure.session.close()


def test_a_damaged_store_of_a_workspace_is_told_at_the_start(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    create(azure, "damaged")
    azure.session.close()
    lifecycle.stop(home)
    (store,) = (home / "workspaces").glob("*/store.sqlite3")
    store.write_bytes(b"no database" * 1000)
    with pytest.raises(EmulatorError) as error:
        lifecycle.ensure(home, idle_seconds=600)
    assert "phift emulator reset" in f"{error.value} {error.value.remedy}"
