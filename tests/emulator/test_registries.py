"""Registries that are created in the home: their assets, what is shared into them, who can consume it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from phift.emulator.host import lifecycle
from phift.emulator.host.lifecycle import Connection
from tests.emulator.client import Azure
from tests.emulator.test_workspaces import code, create, groups

API = "2021-10-01-dataplanepreview"
ARM_API = "2022-10-01-preview"


def resource(azure: Azure, name: str) -> str:
    group = f"{groups(azure)}/{azure.connection.resource_group}"
    return f"{group}/providers/Microsoft.MachineLearningServices/registries/{name}"


def create_registry(azure: Azure, name: str, *regions: str) -> None:
    details = [{"location": region} for region in regions]
    body = {"location": "eastus", "tags": {"a": "b"}, "properties": {"regionDetails": details}}
    answer = azure.call("PUT", resource(azure, name), body, api=ARM_API)
    assert answer.status_code == 202, answer.text
    assert azure.wait(answer)["status"] == "Succeeded"


def call(azure: Azure, method: str, registry: str, path: str, body: Any = None, **query: str) -> requests.Response:
    """A request to the front end that discovery names."""
    base = f"/mferp/managementfrontend{resource(azure, registry)}/{path}"
    return azure.call(method, base, body, host="cert-eastus.experiments.azureml.net", api=API, **query)


def done(azure: Azure, started: requests.Response) -> requests.Response:
    """The last answer at the Location of a write."""
    assert started.status_code == 202, started.text
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = azure.session.get(started.headers["Location"], headers={"Authorization": f"Bearer {azure.token()}"})
        if answer.status_code != 202:
            return answer
        time.sleep(0.02)
    raise AssertionError("still running")


def write(azure: Azure, registry: str, path: str, properties: dict[str, Any]) -> dict[str, Any]:
    assert done(azure, call(azure, "PUT", registry, path, {"properties": properties})).status_code == 200
    document: dict[str, Any] = call(azure, "GET", registry, path).json()
    return document


def model_with_content(azure: Azure, name: str, version: str, content: bytes) -> str:
    """A model of one file in the workspace; its id as it is shared."""
    store = azure.call("GET", "datastores/workspaceblobstore").json()["properties"]
    url = f"https://{store['accountName']}.blob.core.windows.net/{store['containerName']}/{name}/{version}/model.bin"
    token = azure.token("https://storage.azure.com")
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06", "Authorization": f"Bearer {token}"}
    assert azure.session.put(url, data=content, headers=headers).status_code == 201
    uri = f"azureml://datastores/workspaceblobstore/paths/{name}/{version}"
    body = {"properties": {"modelUri": uri, "tags": {"t": "1"}}}
    assert azure.call("PUT", f"models/{name}/versions/{version}", body).status_code == 201
    document = azure.call("GET", azure.workspace, api="2024-10-01-preview").json()
    guid, location = document["properties"]["workspaceId"], document["location"]
    return f"azureml://locations/{location}/workspaces/{guid}/models/{name}/versions/{version}"


def reference(source: str, name: str, version: str) -> dict[str, Any]:
    bag = {"referenceType": "Id", "destinationName": name, "destinationVersion": version, "sourceAssetId": source}
    return {"properties": bag}


def content_of(azure: Azure, registry: str, name: str, version: str) -> list[bytes]:
    """The blobs of a registry's model, read by the SAS that the registry gives out."""
    uri = call(azure, "GET", registry, f"models/{name}/versions/{version}").json()["properties"]["modelUri"]
    body = {"assetId": f"azureml://registries/{registry}/models/{name}/versions/{version}", "blobUri": uri}
    given = call(azure, "POST", registry, f"datarefs/{name}/versions/{version}", body).json()
    sas = given["blobReferenceForConsumption"]["credential"]["sasUri"]
    base, _, signature = sas.partition("?")
    listed = azure.session.get(f"{base}?restype=container&comp=list&{signature}").text
    names = [part.partition("</Name>")[0] for part in listed.split("<Name>")[1:]]
    return [azure.session.get(f"{base}/{each}?{signature}").content for each in names]


@pytest.fixture(scope="module")
def registry(served: Connection) -> Iterator[str]:
    azure = Azure(served)
    with azure.session:
        create_registry(azure, "shared", "eastus", "westeurope")
        yield "shared"


def test_a_registry_is_a_resource_and_is_discovered(azure: Azure, registry: str) -> None:
    document = azure.call("GET", resource(azure, "SHARED"), api=ARM_API).json()
    assert (document["name"], document["tags"]) == ("shared", {"a": "b"})
    assert [each["location"] for each in document["properties"]["regionDetails"]] == ["eastus", "westeurope"]
    url = document["properties"]["discoveryUrl"].removeprefix("https://eastus.api.azureml.ms")
    found = azure.call("GET", url, host="eastus.api.azureml.ms", api="v1.0").json()
    assert found["regions"] == list(found["registryFqdns"]) == ["eastus", "westeurope"]
    assert found["subscriptionId"] == azure.connection.subscription_id
    assert code(azure.call("PUT", resource(azure, "azureml"), {"location": "eastus"}, api=ARM_API)) == "Conflict"
    listed = azure.call("GET", resource(azure, "").rstrip("/"), api=ARM_API).json()["value"]
    assert "shared" in [each["name"] for each in listed]


def test_versions_are_written_listed_labelled_and_archived(azure: Azure, registry: str) -> None:
    for version in ("1", "2"):
        document = write(azure, registry, f"environments/plain/versions/{version}", {"image": f"i:{version}"})
    assert document["id"] == "azureml://registries/shared/environments/plain/versions/2"
    assert document["type"] == "environments"
    container = call(azure, "GET", registry, "environments/plain").json()
    assert (container["properties"]["latestVersion"], container["properties"]["nextVersion"]) == ("2", "3")
    properties = {**document["properties"], "properties": {}, "isArchived": True}
    for key in ("environmentType", "provisioningState", "intellectualProperty", "autoDeleteSetting"):
        properties.pop(key)
    assert write(azure, registry, "environments/plain/versions/2", properties)["properties"]["isArchived"] is True
    active = call(azure, "GET", registry, "environments/plain/versions").json()["value"]
    assert [each["name"] for each in active] == ["1"]
    assert call(azure, "GET", registry, "environments/none/versions").json() == {"value": []}
    assert call(azure, "PUT", registry, "environments/plain", {"properties": {"isArchived": True}}).status_code == 200
    assert call(azure, "GET", registry, "environments/plain/versions").json()["value"] == []


def test_a_write_that_fails_later_says_so(azure: Azure, registry: str) -> None:
    fault = {"pattern": "PUT .*/environments/unlucky", "later": True, "code": "Broken", "message": "no"}
    azure.admin("POST", "/faults", fault)
    started = call(azure, "PUT", registry, "environments/unlucky/versions/1", {"properties": {"image": "i"}})
    assert code(done(azure, started)) == "Broken"
    document = call(azure, "GET", registry, "environments/unlucky/versions/1").json()
    assert document["properties"]["provisioningState"] == "Failed"


def test_a_model_is_shared_with_its_content(azure: Azure, registry: str) -> None:
    source = model_with_content(azure, "to-share", "4", b"weights")
    assert done(azure, call(azure, "POST", registry, "import", reference(source, "shared-one", "7"))).status_code == 200
    document = call(azure, "GET", registry, "models/shared-one/versions/7").json()
    assert document["properties"]["tags"] == {"t": "1"}
    assert content_of(azure, registry, "shared-one", "7") == [b"weights"]
    again = call(azure, "POST", registry, "import", reference(source, "shared-one", "7"))
    assert again.status_code == 409
    gone = call(azure, "POST", registry, "import", reference(source.replace("/4", "/5"), "shared-one", "8"))
    assert gone.status_code == 404
    nonsense = call(azure, "POST", registry, "import", reference("azureml:to-share:4", "shared-one", "8"))
    assert nonsense.status_code == 400
    place = {"assetId": "azureml://registries/shared/models/shared-one/versions/7"}
    taken = call(azure, "PUT", registry, "tempdatarefs/shared-one/versions/7", place)
    assert taken.status_code == 409, "clients then skip the upload"


def test_what_is_nowhere_is_not_shared(azure: Azure, registry: str) -> None:
    source = model_with_content(azure, "empty", "1", b"")
    uri = {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/nothing/here"}}
    assert azure.call("PUT", "models/empty/versions/2", uri).status_code == 201
    started = call(azure, "POST", registry, "import", reference(source.replace("/1", "/2"), "empty", "2"))
    assert "nothing is at" in done(azure, started).json()["error"]["message"]


def test_only_workspaces_of_its_regions_consume_it(azure: Azure, registry: str) -> None:
    source = model_with_content(azure, "regional", "1", b"weights")
    assert done(azure, call(azure, "POST", registry, "import", reference(source, "regional", "1"))).status_code == 200
    model = "azureml://registries/shared/models/regional/versions/1"
    for name, location, allowed in (("near", "westeurope", True), ("far", "japaneast", False)):
        client = create(azure, f"consumer-{name}", location)
        endpoint = {"location": location, "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
        assert client.wait(client.call("PUT", f"onlineEndpoints/region-{name}", endpoint))["status"] == "Succeeded"
        body = {
            "location": location,
            "sku": {"name": "Default", "capacity": 1},
            "properties": {"endpointComputeType": "Managed", "instanceType": "Standard_DS3_v2", "model": model},
        }
        answer = client.call("PUT", f"onlineEndpoints/region-{name}/deployments/blue", body)
        assert ("Invalid region japaneast for operation consume" in answer.text) is not allowed, answer.text


def test_a_workspace_reads_no_data_of_another(azure: Azure) -> None:
    other = create(azure, "private-data")
    source = model_with_content(other, "mine", "1", b"weights")
    body = {"properties": {"modelUri": source, "modelType": "custom_model"}}
    assert azure.call("PUT", "models/not-mine/versions/1", body).status_code == 201
    endpoint = {"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
    assert azure.wait(azure.call("PUT", "onlineEndpoints/not-mine", endpoint))["status"] == "Succeeded"
    deployment = {
        "location": "eastus",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {"endpointComputeType": "Managed", "instanceType": "Standard_DS3_v2", "model": source},
    }
    answer = azure.call("PUT", "onlineEndpoints/not-mine/deployments/blue", deployment)
    assert "of another workspace" in answer.text


def test_strangers_and_published_registries_are_refused(azure: Azure) -> None:
    body = {"properties": {"image": "i"}}
    for name in ("azureml", "nobodys"):
        assert call(azure, "PUT", name, "environments/e/versions/1", body).status_code == 401
        assert call(azure, "POST", name, "import", {"properties": {}}).status_code == 401
    assert call(azure, "GET", "nobodys", "models").status_code == 401
    assert call(azure, "POST", "azureml", "datarefs/Phi-4/versions/1", {}).status_code == 501


def test_a_registry_and_a_share_under_way_survive_a_kill(home: Path) -> None:
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    create_registry(azure, "kept", "eastus")
    source = model_with_content(azure, "m", "1", b"weights")
    azure.admin("PUT", "/settings", {"pace": "faithful", "speed": 10})
    started = call(azure, "POST", "kept", "import", reference(source, "m", "1"))
    assert call(azure, "GET", "kept", "models/m/versions/1").status_code == 404, "it takes its time"
    azure.admin("POST", "/faults", {"pattern": "GET .*/computes", "kill": True})
    with pytest.raises(requests.RequestException):
        azure.call("GET", "computes")
    azure.session.close()
    azure = Azure(lifecycle.ensure(home, idle_seconds=600))
    assert done(azure, started).status_code == 200
    assert content_of(azure, "kept", "m", "1") == [b"weights"]
    assert azure.wait(azure.call("DELETE", resource(azure, "kept"), api=ARM_API))["status"] == "Succeeded"
    assert call(azure, "GET", "kept", "models").status_code == 401
    assert code(azure.call("GET", resource(azure, "kept"), api=ARM_API)) == "ResourceNotFound"
    azure.session.close()


def test_a_deleted_version_cannot_return(azure: Azure, registry: str) -> None:
    write(azure, registry, "environments/short-lived/versions/1", {"image": "i"})
    assert call(azure, "DELETE", registry, "environments/short-lived/versions/1").status_code == 200
    assert call(azure, "DELETE", registry, "environments/short-lived/versions/1").status_code == 204
    again = call(azure, "PUT", registry, "environments/short-lived/versions/1", {"properties": {"image": "i"}})
    assert "it cannot be recreated" in again.json()["error"]["message"]
    write(azure, registry, "environments/short-lived/versions/2", {"image": "i"})
    assert call(azure, "DELETE", "azureml", "components/chat_completion_pipeline/versions/1").status_code == 401


def test_a_component_without_a_version_is_the_newest_also_in_registries(azure: Azure, registry: str) -> None:
    published = call(azure, "GET", "azureml", "components/chat_completion_pipeline/versions/azureml_default").json()
    assert published["id"].startswith("azureml://registries/azureml/components/chat_completion_pipeline/versions/")
    for version in ("2", "1"):
        spec = {"name": "defaulted", "version": version, "type": "command", "command": "echo"}
        write(azure, registry, f"components/defaulted/versions/{version}", {"componentSpec": spec})
    assert call(azure, "GET", registry, "components/defaulted/versions/azureml_default").json()["name"] == "1"
    assert call(azure, "GET", registry, "components/none/versions/azureml_default").status_code == 404
