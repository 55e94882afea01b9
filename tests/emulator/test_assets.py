"""Data, models, environments, components and codes: what is immutable, what is filled in, how lists answer."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.emulator.client import Azure

SHORT = "azureml://datastores/workspaceblobstore/paths/some/file.jsonl"


def data(uri: str = SHORT, **properties: Any) -> dict[str, Any]:
    return {"properties": {"dataType": "uri_file", "dataUri": uri, **properties}}


def model(azure: Azure, path: str = "m", **properties: Any) -> dict[str, Any]:
    c = azure.connection
    uri = (
        f"azureml://subscriptions/{c.subscription_id}/resourcegroups/{c.resource_group}/workspaces/{c.workspace_name}"
        f"/datastores/workspaceblobstore/paths/{path}"
    )
    return {"properties": {"modelType": "custom_model", "modelUri": uri, **properties}}


def put(azure: Azure, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = azure.call("PUT", path, body)
    assert answer.status_code == status, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_data_turns_long_and_cannot_be_repointed(azure: Azure) -> None:
    made = azure.call("PUT", "data/train/versions/abc", data(tags={"k": "v"}))
    assert made.status_code == 201
    assert "/data/train/versions/abc?" in made.headers["Location"]
    properties = made.json()["properties"]
    assert "/resourcegroups/phift-local/" in properties["dataUri"]
    assert properties["dataUri"].endswith("/datastores/workspaceblobstore/paths/some/file.jsonl")
    assert "lastModifiedBy" not in made.json()["systemData"]
    assert "provisioningState" not in properties

    again = put(azure, "data/train/versions/abc", data(properties["dataUri"], tags={"k": "w"}), 200)
    assert again["properties"]["tags"] == {"k": "w"}
    refused = azure.call("PUT", "data/train/versions/abc", data(SHORT + "x"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "UserError")
    assert "the existing asset's data uri cannot be changed" in refused.json()["error"]["message"]
    assert azure.call("GET", "data/train/versions/ABC").json()["properties"]["tags"] == {"k": "w"}


def test_missing_assets_use_the_service_envelope(azure: Azure) -> None:
    answer = azure.call("GET", "models/none/versions")
    error = answer.json()["error"]
    assert answer.status_code == 404
    assert answer.headers["x-ms-response-type"] == "error"
    assert error["details"][0]["code"] == "ModelNotFound"
    assert error["details"][0]["message"] == "Model container with name: none not found."
    assert [entry["type"] for entry in error["additionalInfo"]][:2] == ["ComponentName", "Correlation"]
    assert azure.call("GET", "data/none/versions/1").status_code == 404


def test_models_are_numbered_and_remember_their_stage(azure: Azure) -> None:
    first = put(azure, "models/m1/versions/3", model(azure, tags={"a": "1"}))
    properties = first["properties"]
    assert "/resourceGroups/" in properties["modelUri"]
    assert (properties["stage"], properties["flavors"], properties["jobName"]) == ("Development", {}, None)
    assert azure.call("GET", "models/m1").json()["properties"]["nextVersion"] == "4"
    for version in ("0", "abc", "1.0", "-1"):
        assert azure.call("PUT", f"models/m1/versions/{version}", model(azure)).status_code == 400
    assert azure.call("PUT", "models/a.b/versions/1", model(azure)).json()["error"]["code"] == "RequestInvalid"

    archived = put(azure, "models/m1/versions/3", model(azure, isArchived=True), 200)
    assert archived["properties"]["stage"] == "Archived"
    assert azure.call("GET", "models/m1/versions").json()["value"] == []
    assert len(azure.call("GET", "models/m1/versions", listViewType="All").json()["value"]) == 1
    assert azure.call("GET", "models/m1/versions/3").json()["properties"]["isArchived"] is True
    restored = put(azure, "models/m1/versions/3", model(azure), 200)
    assert restored["properties"]["stage"] == "Development"
    assert "cannot be updated" in azure.call("PUT", "models/m1/versions/3", model(azure, "other")).text


def test_models_need_a_datastore_and_data_does_not(azure: Azure) -> None:
    uri = "azureml://datastores/nosuch/paths/x"
    put(azure, "data/nostore/versions/1", data(uri))
    refused = azure.call("PUT", "models/nostore/versions/1", {"properties": {"modelUri": uri}})
    assert refused.status_code == 404


def test_models_from_jobs_that_are_not_there(azure: Azure) -> None:
    uri = "azureml://jobs/nojob/outputs/trained_model"
    refused = azure.call("PUT", "models/fromjob/versions/1", {"properties": {"modelUri": uri}})
    assert (refused.status_code, refused.json()["error"]["message"]) == (404, "Job nojob not found.")


def test_lists_are_newest_first_in_pages_and_filtered(azure: Azure) -> None:
    for number in range(1, 8):
        tags = {"digest": f"d{number}", "odd": "yes"} if number % 2 else {"digest": f"d{number}"}
        put(azure, f"models/many/versions/{number}", model(azure, tags=tags, properties={"p.x": f"{number}"}))
    seen, url = [], "models/many/versions"
    answer = azure.call("GET", url, **{"$top": "3"}).json()
    while True:
        seen += [each["name"] for each in answer["value"]]
        if "nextLink" not in answer:
            break
        parts = urlsplit(answer["nextLink"])
        query = dict(parse_qsl(parts.query))
        assert query["$top"] == "3"
        answer = azure.call("GET", parts.path, api=query.pop("api-version"), **query).json()
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]

    def names(**query: str) -> list[str]:
        return [each["name"] for each in azure.call("GET", url, **query).json()["value"]]

    assert names(tags="odd") == ["7", "5", "3", "1"]
    assert names(tags="odd=yes,digest=d3") == ["3"]
    assert names(properties="p.x=4") == ["4"]
    assert names(**{"$orderBy": "createdtime asc", "$top": "1"}) == ["1"]
    assert names(**{"$orderBy": "createdtime desc", "$top": "1"}) == ["7"]


def test_anonymous_models_are_hidden_but_their_container_is_found(azure: Azure) -> None:
    made = put(azure, "models/hidden/versions/1", model(azure, isAnonymous=True))
    assert made["properties"]["stage"] == "Logged"
    assert azure.call("GET", "models/hidden/versions").json() == {"value": []}
    assert "hidden" not in [each["name"] for each in azure.call("GET", "models").json()["value"]]


def test_environments_are_silently_not_replaced(azure: Azure) -> None:
    first = put(azure, "environments/e/versions/1", {"properties": {"image": "mcr.microsoft.com/a:1"}})
    assert first["properties"]["condaFile"] == ""
    assert first["properties"]["properties"] == {"azureml.labels": "latest"}
    again = put(azure, "environments/e/versions/1", {"properties": {"image": "mcr.microsoft.com/OTHER:2"}})
    assert again["properties"]["image"] == "mcr.microsoft.com/a:1"
    assert again["systemData"] == first["systemData"]
    conda = {"properties": {"image": "mcr.microsoft.com/a:1", "condaFile": "dependencies:\n- python=3.11\n"}}
    second = put(azure, "environments/e/versions/2", conda)
    assert second["properties"]["condaFile"] == '{\n  "dependencies": [\n    "python=3.11"\n  ]\n}'
    old = azure.call("GET", "environments/e/versions/1").json()
    assert old["properties"]["properties"] == {"azureml.labels": ""}


def test_component_specs_come_back_as_text(azure: Azure) -> None:
    spec = {
        "name": "c",
        "version": "1",
        "type": "command",
        "is_deterministic": True,
        "command": "echo",
        "environment": "azureml:AzureML-sklearn-1.5:33",
        "inputs": {"x": {"type": "integer", "default": 1}},
        "_source": "YAML.COMPONENT",
    }
    stored = put(azure, "components/c/versions/1", {"properties": {"componentSpec": spec}})["properties"][
        "componentSpec"
    ]
    assert stored["is_deterministic"] == "True"
    assert stored["inputs"] == {"x": {"type": "integer", "default": "1", "optional": "False"}}
    assert stored["environment"] == "azureml://registries/azureml/environments/AzureML-sklearn-1.5/versions/33"
    assert stored["resources"] == {"instance_count": "1"}
    assert "_source" not in stored
    shown = {**spec, "display_name": "C", "description": "other"}
    again = put(azure, "components/c/versions/1", {"properties": {"componentSpec": shown, "tags": {"t": "1"}}}, 200)
    assert again["properties"]["componentSpec"]["display_name"] == "C"
    assert (again["properties"]["description"], again["properties"]["tags"]) == (None, {"t": "1"})
    changed = {"properties": {"componentSpec": {**spec, "command": "other"}}}
    assert azure.call("PUT", "components/c/versions/1", changed).status_code == 400


def test_code_is_found_by_hash_under_any_name(azure: Azure) -> None:
    place = azure.call(
        "POST", "codes/guid-1/versions/1/startPendingUpload", {"pendingUploadType": "TemporaryBlobReference"}
    )
    sas = place.json()["blobReferenceForConsumption"]["credential"]["sasUri"]
    base, _, signature = sas.partition("?")
    headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"}
    sent = azure.session.put(f"{base}/src/score.py?{signature}", data=b"print(1)", headers=headers)
    assert sent.status_code == 201, sent.text
    bag = {"hash_sha256": "h1", "hash_version": "202208"}
    made = put(
        azure, "codes/guid-1/versions/1", {"properties": {"codeUri": base, "isAnonymous": True, "properties": bag}}
    )
    assert made["properties"]["isAnonymous"] is False
    found = azure.call("GET", "codes/another-guid/versions", hash="h1", hashVersion="202208").json()["value"]
    assert [each["id"].split("/")[-3] for each in found] == ["guid-1"]
    assert azure.call("GET", "codes/another-guid/versions", hash="h2").json()["value"] == []


@pytest.mark.parametrize("sent", [[], "text", {"properties": None}, {"properties": {"tags": {"a": 1}}}])
def test_bodies_are_parsed_strictly(azure: Azure, sent: Any) -> None:
    answer = azure.call("PUT", "data/strict/versions/1", sent)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "RequestInvalid")


def test_deleting_and_archiving_names(azure: Azure) -> None:
    put(azure, "data/gone/versions/1", data())
    assert azure.call("DELETE", "data/gone/versions/1").status_code == 200
    assert azure.call("DELETE", "data/gone/versions/1").status_code == 204
    put(azure, "data/old/versions/1", data())
    put(azure, "data/old", {"properties": {"isArchived": True}}, 200)
    assert "old" not in [each["name"] for each in azure.call("GET", "data").json()["value"]]
    assert azure.call("GET", "data/old/versions").json()["value"] == []


def test_another_workspace_is_not_found(azure: Azure) -> None:
    answer = azure.call("GET", azure.workspace.replace("/local", "/other") + "/models")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Workspace not found.")
    assert azure.call("GET", azure.workspace.upper() + "/MODELS").status_code == 200


def test_a_component_without_a_version_is_the_newest(azure: Azure) -> None:
    """As `components.get(name)` and `skip_if_no_change` ask for it."""
    missing = azure.call("GET", "components/defaulted/versions/azureml_default")
    assert missing.json()["error"]["message"] == "Not found component defaulted."
    for version in ("7", "3"):
        spec = {"name": "defaulted", "version": version, "type": "command", "command": f"echo {version}"}
        put(azure, f"components/defaulted/versions/{version}", {"properties": {"componentSpec": spec}})
    newest = azure.call("GET", "components/defaulted/versions/azureml_default").json()
    assert (newest["name"], newest["properties"]["componentSpec"]["command"]) == ("3", "echo 3")
    assert newest["id"].endswith("/components/defaulted/labels/default"), "what is built of it follows the label"
    archived = {"properties": {**newest["properties"], "isArchived": True}}
    put(azure, "components/defaulted/versions/3", archived, 200)
    assert azure.call("GET", "components/defaulted/versions/azureml_default").json()["name"] == "7"


@pytest.mark.parametrize("kind", ["data", "models", "environments"])
def test_other_assets_have_a_default_version_too(azure: Azure, kind: str) -> None:
    bodies = {
        "data": data(),
        "models": {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m"}},
        "environments": {"properties": {"image": "i"}},
    }
    for version in ("1", "2"):
        put(azure, f"{kind}/by-default/versions/{version}", bodies[kind])
    assert azure.call("GET", f"{kind}/by-default/versions/azureml_default").json()["name"] == "2"
    assert azure.call("GET", f"{kind}/none/versions/azureml_default").status_code == 404


def test_curated_environments_are_in_every_workspace(azure: Azure) -> None:
    name = "AzureML-acpt-pytorch-2.2-cuda12.1"
    newest = azure.call("GET", f"environments/{name}").json()["properties"]["latestVersion"]
    document = azure.call("GET", f"environments/{name}/versions/{newest}").json()
    assert document["properties"]["environmentType"] == "Curated"
    assert document["properties"]["image"] == f"mcr.microsoft.com/azureml/curated/acpt-pytorch-2.2-cuda12.1:{newest}"
    first = azure.call("GET", f"environments/{name}/versions").json()["value"][0]
    assert first["name"] == newest
    assert azure.call("GET", "environments/AzureML-none/versions").status_code == 404
    assert azure.call("GET", f"environments/{name}/versions/100000").status_code == 404
    assert azure.call("GET", "environments/sklearn-1.5/versions/1").status_code == 404, "without its prefix"


def test_a_component_names_an_environment_that_is_there(azure: Azure) -> None:
    spec = {"name": "in-env", "version": "1", "type": "command", "command": "echo"}
    for reference in ("azureml:AzureML-nobody-1.0@latest", "azureml:AzureML-sklearn-1.5:100000", "azureml:none@latest"):
        body = {"properties": {"componentSpec": {**spec, "environment": reference}}}
        refused = azure.call("PUT", "components/in-env/versions/1", body)
        assert (refused.status_code, "No environment exists for name" in refused.text) == (404, True)
    put(azure, "environments/mine/versions/5", {"properties": {"image": "i"}})
    body = {"properties": {"componentSpec": {**spec, "environment": "azureml:mine@latest"}}}
    stored = put(azure, "components/in-env/versions/1", body)["properties"]["componentSpec"]
    assert stored["environment"] == f"azureml:{azure.workspace}/environments/mine/versions/5"


REGISTRY = "azureml://registries/azureml/environments"


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        ("azureml:AzureML-sklearn-1.5:54", True),
        ("azureml:AzureML-ACPT-pytorch-2.2-cuda12.1@latest", True),
        (f"{REGISTRY}/sklearn-1.5/labels/latest", True),
        (f"{REGISTRY}/AzureML-sklearn-1.0-ubuntu20.04-py38-cpu/versions/36", True),
        ("azureml:unseen:1", False),
        ("azureml:AzureML-sklearn-1.5:100000", False),
        ("azureml:AzureML-nobody@latest", False),
        (f"{REGISTRY}/nobody/labels/latest", False),
        (f"{REGISTRY}/sklearn-1.5/versions/100000", False),
        ("azureml://registries/nobodys/environments/sklearn-1.5/labels/latest", False),
    ],
)
def test_jobs_and_deployments_name_environments_that_are_there(azure: Azure, reference: str, there: bool) -> None:
    name = f"env-{uuid.uuid4().hex[:12]}"
    job = {"properties": {"jobType": "Command", "command": "echo", "environmentId": reference}}
    answer = azure.call("PUT", f"jobs/{name}", job, api="2025-01-01-preview")
    assert (answer.status_code == 201, "No environment exists" in answer.text) == (there, not there)
    azure.call(
        "PUT",
        "models/in-env/versions/1",
        {"properties": {"modelUri": "azureml://datastores/workspaceblobstore/paths/m"}},
    )
    endpoint = {"location": "eastus", "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}}
    azure.wait(azure.call("PUT", f"onlineEndpoints/{name}", endpoint))
    properties = {"endpointComputeType": "Managed", "instanceType": "Standard_DS3_v2", "environmentId": reference}
    properties["model"] = "azureml:in-env:1"
    body = {"location": "eastus", "sku": {"name": "Default", "capacity": 1}, "properties": properties}
    answer = azure.call("PUT", f"onlineEndpoints/{name}/deployments/blue", body, api="2023-04-01-preview")
    assert answer.status_code == 400, "the model is of type custom_model, and there is no code"
    assert ("No environment exists" in answer.text) is not there, answer.text
