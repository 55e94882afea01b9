"""Registries as resources of Resource Manager: created, listed and deleted in resource groups."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import PRINCIPAL, empty, reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.routing import SUBSCRIPTION, Host, Route
from phift.emulator.core.validation import check_tags, lenient_object
from phift.emulator.services.emulator import Call
from phift.emulator.services.registry.publish import registries
from phift.emulator.services.registry.state import KIND, registry_records
from phift.emulator.services.workspace.changes import begin, check_free, delete, new_workspace
from phift.emulator.services.workspace.rules import (
    check_name,
    existing_group,
    existing_workspace,
    find_workspace,
    region,
)
from phift.emulator.services.workspace.state import Record

__all__ = ["RESOURCE_ROUTES"]

_TYPE = "Microsoft.MachineLearningServices/registries"


async def _get(call: Call) -> Response:
    return reply(_document(existing_workspace(call.emulator.cloud, call.params["group"], call.params["name"], KIND)))


async def _list(call: Call) -> Response:
    """Those of a resource group, or of the subscription."""
    group = call.params.get("group")
    if group is not None:
        group = existing_group(call.emulator.cloud, group)["name"]
    found = registry_records(call.emulator.cloud)
    return page(call, (_document(each) for each in found if group in (None, each.workspace.resource_group)))


async def _put(call: Call) -> Response:
    """Create a registry, or change its regions and tags. The answer is 202 (clients say so)."""
    cloud, name = call.emulator.cloud, call.params["name"]
    group = existing_group(cloud, call.params["group"])["name"]
    body = await lenient_object(call, "Registry")
    check_name(name)
    location = region(body.get("location"), _TYPE)
    record = find_workspace(cloud, group, name, KIND)
    if record is None and _taken(call, name):
        text = f"A registry with the name {name} exists already. The name of a registry is unique within its tenant."
        raise ServiceError(409, "Conflict", text)
    if record is None:
        container = name.casefold().replace("_", "-")
        registry = new_workspace(call.emulator, group, name, location, container=container, kind=KIND)
        record = Record(registry, state="Creating")
    else:
        check_free(record)
        record.state = "Updating"
    record.settings = _settings(body, record.workspace.location)
    record.save(cloud)
    operation = begin(call.emulator, record, call.api_version, "workspace.written")
    return reply(_document(record), 202, operation.headers)


async def _patch(call: Call) -> Response:
    """Change the tags, at once (assumed: patches_are_done_at_once)."""
    record = existing_workspace(call.emulator.cloud, call.params["group"], call.params["name"], KIND)
    body = await lenient_object(call, "Registry")
    check_free(record)
    if "tags" in body:
        record.settings["tags"] = check_tags(body["tags"])
    record.save(call.emulator.cloud)
    return reply(_document(record))


async def _delete(call: Call) -> Response:
    record = find_workspace(call.emulator.cloud, call.params["group"], call.params["name"], KIND)
    if record is None:
        return empty(204)
    delete(call.emulator, record)
    return empty(202, begin(call.emulator, record, call.api_version, "workspace.deleted").headers)


def _taken(call: Call, name: str) -> bool:
    others = [each.workspace.name.casefold() for each in registry_records(call.emulator.cloud)]
    return name.casefold() in (*registries(), *others)


def _settings(body: dict[str, Any], location: str) -> dict[str, Any]:
    properties = body.get("properties") or {}
    asked = [region(each.get("location"), _TYPE) for each in properties.get("regionDetails") or () if each]
    return {
        "tags": check_tags(body.get("tags")),
        "regions": list(dict.fromkeys([location, *asked])),
        "publicNetworkAccess": properties.get("publicNetworkAccess") or "Enabled",
    }


def _document(record: Record) -> dict[str, Any]:
    """A registry (assumed: registry_documents)."""
    workspace, settings = record.workspace, record.settings
    location, managed = workspace.location, f"azureml-rg-{workspace.name}_{workspace.workspace_id}"
    scope = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{managed}"
    account = f"{scope}/providers/Microsoft.Storage/storageAccounts/{workspace.storage_account}"
    images = f"{scope}/providers/Microsoft.ContainerRegistry/registries/{workspace.storage_account}"
    return {
        "id": workspace.arm_id,
        "name": workspace.name,
        "type": _TYPE,
        "location": location,
        "tags": settings["tags"],
        "identity": {
            "type": "SystemAssigned",
            "principalId": str(uuid.uuid5(uuid.UUID(workspace.workspace_id), "identity")),
            "tenantId": workspace.tenant_id,
        },
        "kind": None,
        "sku": {"name": "Basic", "tier": "Basic"},
        "properties": {
            "discoveryUrl": f"https://{location}.api.azureml.ms/registrymanagement/v1.0/registries/{workspace.name}/discovery",
            "intellectualPropertyPublisher": None,
            "managedResourceGroup": {"resourceId": scope},
            "mlFlowRegistryUri": f"azureml://{location}.api.azureml.ms/mlflow/v1.0{workspace.arm_id}",
            "publicNetworkAccess": settings["publicNetworkAccess"],
            "registryPrivateEndpointConnections": [],
            "provisioningState": record.state,
            "regionDetails": [
                {
                    "location": each,
                    "storageAccountDetails": [
                        {
                            "systemCreatedStorageAccount": {
                                "storageAccountType": "Standard_LRS",
                                "storageAccountHnsEnabled": False,
                                "allowBlobPublicAccess": False,
                                "storageAccountName": workspace.storage_account,
                                "armResourceId": {"resourceId": account},
                            }
                        }
                    ],
                    "acrDetails": [
                        {
                            "systemCreatedAcrAccount": {
                                "acrAccountSku": "Premium",
                                "acrAccountName": workspace.storage_account,
                                "armResourceId": {"resourceId": images},
                            }
                        }
                    ],
                }
                for each in settings["regions"]
            ],
        },
        "systemData": {
            "createdAt": workspace.created_at,
            "createdBy": PRINCIPAL,
            "createdByType": "User",
            "lastModifiedAt": record.modified,
            "lastModifiedBy": PRINCIPAL,
            "lastModifiedByType": "User",
        },
    }


_REGISTRIES = f"/providers/{_TYPE}"
_GROUP = SUBSCRIPTION + "/resourceGroups/{group}" + _REGISTRIES

RESOURCE_ROUTES = (
    Route(Host.ARM, "GET", SUBSCRIPTION + _REGISTRIES, _list),
    Route(Host.ARM, "GET", _GROUP, _list),
    Route(Host.ARM, "GET", _GROUP + "/{name}", _get),
    Route(Host.ARM, "PUT", _GROUP + "/{name}", _put),
    Route(Host.ARM, "PATCH", _GROUP + "/{name}", _patch),
    Route(Host.ARM, "DELETE", _GROUP + "/{name}", _delete),
)
