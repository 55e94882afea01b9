"""The documents of workspaces."""

from __future__ import annotations

import uuid
from typing import Any

from phift.emulator.core.documents import PRINCIPAL
from phift.emulator.core.workspace import Workspace
from phift.emulator.services.workspace.state import Record

__all__ = ["KEPT", "document"]

KEPT = frozenset(
    (
        *("friendlyName", "description", "keyVault", "applicationInsights", "containerRegistry", "hbiWorkspace"),
        *("imageBuildCompute", "publicNetworkAccess", "allowRoleAssignmentOnRG", "v1LegacyMode", "ipAllowlist"),
        *("serverlessComputeSettings", "enableDataIsolation", "networkAcls", "primaryUserAssignedIdentity"),
    )
)
"""The properties that a workspace keeps as sent."""


def _guid(workspace: Workspace, name: str) -> str:
    return str(uuid.uuid5(uuid.UUID(workspace.workspace_id), name))


def document(record: Record, *, identity_based: bool = False) -> dict[str, Any]:
    """The workspace as GET answers it (shape recorded 2026-03). identity_based: its datastores have no credentials."""
    workspace, settings = record.workspace, record.settings
    group = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}/providers"
    name, location = workspace.name, workspace.location
    created = workspace.created_at.replace("+00:00", "Z")
    notebooks = f"ml-{name}-{location}-{_guid(workspace, 'notebook')}.{location}.notebooks.azure.net"
    return {
        "id": workspace.arm_id,
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": location,
        "tags": settings.get("tags", {}),
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
            "provisioningState": record.state,
            "managedNetwork": {
                "changeableIsolationModes": ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"],
                "isolationMode": settings.get("isolationMode", "Disabled"),
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
            **{key: value for key, value in settings.items() if key in KEPT},
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
            "lastModifiedAt": (record.modified or workspace.created_at).replace("+00:00", "Z"),
            "lastModifiedBy": PRINCIPAL,
            "lastModifiedByType": "User",
        },
    }
