"""The workspace document, discovery, VM sizes, usages and quotas, and the status of long-running operations."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.responses import Response

from phift.catalog.vm_sizes import vm_sizes
from phift.emulator.core.documents import PRINCIPAL, empty, reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.quota import LOW_PRIORITY, TOTAL, families, family_of
from phift.emulator.core.routing import LOCATION, SUBSCRIPTION, WS, Host, Route
from phift.emulator.core.workspace import Workspace
from phift.emulator.services.compute.routes import nodes_in_use
from phift.emulator.services.emulator import Call

__all__ = ["ROUTES"]

_GROUP = SUBSCRIPTION + "/resourceGroups/{rg}"
_NEVER_LIMITED = -1  # a low-priority family has no limit of its own, only the pool has


def _guid(workspace: Workspace, name: str) -> str:
    return str(uuid.uuid5(uuid.UUID(workspace.workspace_id), name))


def document(workspace: Workspace, *, identity_based: bool = False) -> dict[str, Any]:
    """The workspace as GET answers it (shape recorded 2026-03). identity_based: its datastores have no credentials."""
    group = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}/providers"
    name, location = workspace.name, workspace.location
    created = workspace.created_at.replace("+00:00", "Z")
    notebooks = f"ml-{name}-{location}-{_guid(workspace, 'notebook')}.{location}.notebooks.azure.net"
    return {
        "id": workspace.arm_id,
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": location,
        "tags": {},
        "etag": None,
        "properties": {
            "friendlyName": name,
            "description": "Embedded Azure ML of phift",
            "storageAccount": f"{group}/Microsoft.Storage/storageAccounts/{workspace.storage_account}",
            "keyVault": f"{group}/Microsoft.Keyvault/vaults/{name}",
            "applicationInsights": f"{group}/Microsoft.insights/components/{name}",
            "hbiWorkspace": False,
            "tenantId": workspace.tenant_id,
            "imageBuildCompute": None,
            "provisioningState": "Succeeded",
            "managedNetwork": {
                "changeableIsolationModes": ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"],
                "isolationMode": "Disabled",
                "enableNetworkMonitor": False,
                "enableFirewallLog": False,
            },
            "allowRoleAssignmentOnRG": True,
            "v1LegacyMode": False,
            "softDeleteEnabled": False,
            "containerRegistry": f"{group}/Microsoft.ContainerRegistry/registries/{name}",
            "creationTime": created,
            "notebookInfo": {
                "resourceId": uuid.UUID(_guid(workspace, "notebook")).hex,
                "fqdn": notebooks,
                "isPrivateLinkEnabled": False,
                "notebookPreparationError": None,
            },
            "storageHnsEnabled": False,
            "workspaceId": workspace.workspace_id,
            "linkedModelInventoryArmId": None,
            "privateLinkCount": 0,
            "publicNetworkAccess": "Enabled",
            "ipAllowlist": [],
            "networkAcls": {"defaultAction": "Allow", "bypass": "", "ipRules": [], "resourceAccessRules": []},
            "discoveryUrl": f"https://{location}.api.azureml.ms/discovery",
            "mlFlowTrackingUri": f"azureml://{location}.api.azureml.ms/mlflow/v1.0{workspace.arm_id}",
            "serverlessComputeSettings": None,
            "EnableSoftwareBillOfMaterials": False,
            "sdkTelemetryAppInsightsKey": _guid(workspace, "telemetry"),
            "enableDataIsolation": False,
            "systemDatastoresAuthMode": "identity" if identity_based else "accesskey",
            "enableServiceSideCMKEncryption": False,
        },
        "identity": {
            "type": "SystemAssigned",
            "principalId": _guid(workspace, "identity"),
            "tenantId": workspace.tenant_id,
        },
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "systemData": {
            "createdAt": created,
            "createdBy": PRINCIPAL,
            "createdByType": "User",
            "lastModifiedAt": created,
            "lastModifiedBy": PRINCIPAL,
            "lastModifiedByType": "User",
        },
    }


def _document(call: Call) -> dict[str, Any]:
    identity_based = call.emulator.blobs.switches["identityBasedDatastores"]
    return document(call.emulator.workspace, identity_based=identity_based)


async def _get(call: Call) -> Response:
    return reply(_document(call))


async def _list(call: Call) -> Response:
    return reply({"value": [_document(call)]})


async def _group(call: Call) -> Response:
    workspace = call.emulator.workspace
    if call.params["rg"].casefold() != workspace.resource_group.casefold():
        message = f"Resource group '{call.params['rg']}' could not be found."
        raise ServiceError(404, "ResourceGroupNotFound", message)
    return reply(
        {
            "id": f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}",
            "name": workspace.resource_group,
            "type": "Microsoft.Resources/resourceGroups",
            "location": workspace.location,
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        }
    )


async def _discovery(call: Call) -> Response:
    """Hosts as recorded 2026-02; the catalog is not answered for anywhere."""
    location = call.emulator.workspace.location
    experiments = dict.fromkeys(
        ("experimentation", "history", "hyperdrive", "labeling"), f"https://{location}.experiments.azureml.net"
    )
    return reply(
        {
            "api": f"https://{location}.api.azureml.ms",
            "catalog": f"https://{location}.api.azureml.ms",
            **experiments,
            "modelmanagement": f"https://{location}.modelmanagement.azureml.net",
            "pipelines": f"https://{location}.aether.ms",
            "studio": "https://ml.azure.com",
        }
    )


async def _vm_sizes(call: Call) -> Response:
    """All sizes of the catalogue that have not been retired."""
    sizes = [
        {
            "name": size.name,
            "family": family_of(size.name).name,
            "vCPUs": size.vcpus,
            "gpus": size.gpus,
            "osVhdSizeMB": 1047552,
            "maxResourceVolumeMB": size.memory_gib * 2048,
            "memoryGB": float(size.memory_gib),
            "lowPriorityCapable": size.low_priority,
            "premiumIO": "s_" in size.name.lower() or "ads" in size.name.lower() or "asr" in size.name.lower(),
            "estimatedVMPrices": None,
            "supportedComputeTypes": ["AmlCompute", "ComputeInstance", "MIR"],
        }
        for size in vm_sizes().values()
        if size.retired is None
    ]
    return reply({"value": sizes})


def _counter(call: Call, kind: str, name: str, used: int | None, limit: int, scope: str = "") -> dict[str, Any]:
    """A row, its id as in the public specification. scope: ARM id of what it counts for, "" for the subscription."""
    base = scope or f"/subscriptions/{call.emulator.workspace.subscription_id}"
    row: dict[str, Any] = {
        "id": f"{base}/{kind.rsplit('/', 1)[-1]}/{name.replace(' ', '_')}",
        "type": f"Microsoft.MachineLearningServices/{kind}",
        "limit": limit,
        "unit": "Count",
        "name": {"value": name, "localizedValue": name},
    }
    return row if used is None else row | {"currentValue": used}


async def _usages(call: Call) -> Response:
    """Clusters, the regional totals, then each family twice: dedicated, and low priority without a limit of its own.

    Families are repeated, under other types, for the workspace and for each cluster that holds nodes.
    """
    quota = call.emulator.quota
    limits, used = quota.limits(), quota.used()
    clusters, workspace = len(call.emulator.store.list("compute")), call.emulator.workspace.arm_id
    rows = [
        _counter(call, "totalCores/usages", "Clusters", clusters, 500),
        _counter(call, "dedicatedCores/usages", "Total Cluster Dedicated Regional vCPUs", used[TOTAL], limits[TOTAL]),
        _counter(
            call,
            "lowPriorityCores/usages",
            "Total Cluster LowPriority Regional vCPUs",
            used[LOW_PRIORITY],
            limits[LOW_PRIORITY],
        ),
    ]
    for family in families():
        dedicated = f"{family.label} Cluster Dedicated vCPUs"
        now, most = used.get(family.name, 0), limits[family.name]
        rows.append(_counter(call, "vmFamily/usages", dedicated, now, most))
        rows.append(_counter(call, "vmFamily/usages", f"{family.label} Cluster LowPriority vCPUs", 0, _NEVER_LIMITED))
        rows.append(_counter(call, "workspaces/usages", dedicated, now, most, workspace))
    for cluster, use in nodes_in_use(call.emulator):
        family = family_of(use.size)
        label = f"{family.label} Cluster {'LowPriority' if use.low_priority else 'Dedicated'} vCPUs"
        most = _NEVER_LIMITED if use.low_priority else limits[family.name]
        scope = f"{workspace}/computes/{cluster}"
        rows.append(_counter(call, "workspaces/computes/usages", label, use.cores, most, scope))
    return reply({"value": rows})


async def _quotas(call: Call) -> Response:
    limits = call.emulator.quota.limits()
    rows = []
    for family in families():
        name = f"{family.label} Cluster Dedicated vCPUs"
        rows.append(_counter(call, "vmFamily/quotas", name, None, limits[family.name]))
        workspace = call.emulator.workspace.arm_id
        rows.append(_counter(call, "workspaces/quotas", name, None, limits[family.name], workspace))
    return reply({"value": rows})


async def _operation_status(call: Call) -> Response:
    operation = call.emulator.operations.get(call.params["operation"])
    if operation is None:
        raise ServiceError(404, "NotFound", f"Operation {call.params['operation']} not found.")
    return reply(operation.document(), headers=operation.poll_headers if operation.status == "Running" else None)


async def _operation_result(call: Call) -> Response:
    """202 with an empty object while it runs, then 200 without a body (recorded 2026-03)."""
    operation = call.emulator.operations.get(call.params["operation"])
    if operation is None:
        raise ServiceError(404, "NotFound", f"Operation {call.params['operation']} not found.")
    if operation.status == "Running":
        headers = {"Location": operation.result_url, **operation.poll_headers}
        return reply({}, 202, headers)
    if operation.error:
        raise ServiceError(400, operation.error["code"], operation.error["message"])
    return empty(200)


ROUTES = (
    Route(Host.ARM, "GET", WS, _get),
    Route(Host.ARM, "GET", WS.rsplit("/", 1)[0], _list),
    Route(Host.ARM, "GET", SUBSCRIPTION + "/providers/Microsoft.MachineLearningServices/workspaces", _list),
    Route(Host.ARM, "GET", _GROUP, _group),
    Route(Host.DATA_PLANE, "GET", "/discovery", _discovery, public=True),
    Route(Host.ARM, "GET", LOCATION + "/vmSizes", _vm_sizes),
    Route(Host.ARM, "GET", LOCATION + "/usages", _usages),
    Route(Host.ARM, "GET", LOCATION + "/quotas", _quotas),
    Route(Host.ARM, "GET", LOCATION + "/computeOperationsStatus/{operation}", _operation_status),
    Route(Host.ARM, "GET", LOCATION + "/mfeOperationsStatus/{operation}", _operation_status),
    Route(Host.ARM, "GET", LOCATION + "/mfeOperationResults/{operation}", _operation_result),
)
