"""Registries: those that are published here, and those that were created in the home."""

from __future__ import annotations

import uuid
from typing import Any

from phift.emulator.core.context import Cloud
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.emulator import Emulator, emulators
from phift.emulator.services.registry.publish import registries
from phift.emulator.services.workspace.state import Record, records

__all__ = ["created", "discovery", "no_access", "regions_of", "registry_records"]

KIND = "registries"


def created(cloud: Cloud, name: str) -> Emulator | None:
    """The registry of that name that was created in the home; names are case-insensitive."""
    found = (each for each in emulators(cloud) if each.workspace.kind == KIND)
    return next((each for each in found if each.workspace.name.casefold() == name.casefold()), None)


def registry_records(cloud: Cloud) -> list[Record]:
    """What is kept of all registries that were created in the home."""
    return [*records(cloud, KIND)]


def regions_of(cloud: Cloud, registry: Emulator) -> list[str]:
    """The regions that a created registry is in, its primary one first."""
    stored = cloud.store.get(KIND, registry.workspace.resource_group, registry.workspace.name) or {}
    regions: list[str] = stored.get("settings", {}).get("regions", [registry.workspace.location])
    return regions


def discovery(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """Where a registry is, for clients (recorded 2024-05); None for a name that is none.

    A published registry is in all regions that the home has workspaces in.
    """
    home = cloud.first.workspace
    if registry := created(cloud, name):
        workspace, regions = registry.workspace, regions_of(cloud, registry)
        identity, subscription = workspace.workspace_id, workspace.subscription_id
        name, group, location = workspace.name, workspace.resource_group, workspace.location
    elif name.lower() in registries():
        name, location = name.lower(), home.location
        published = uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.registry.phift.local")
        identity, subscription, group = str(published), str(uuid.uuid5(published, "subscription")), name
        regions = list(dict.fromkeys(each.workspace.location for each in cloud.workspaces()))
    else:
        return None
    return {
        "registryId": identity,
        "registryName": name,
        "tenantId": home.tenant_id,
        "primaryRegion": location,
        "regions": regions,
        "subscriptionId": subscription,
        "resourceGroup": group,
        "workspaceName": None,
        "primaryRegionResourceProviderUri": f"https://cert-{location}.experiments.azureml.net/",
        "registryFqdns": {
            region: {"uri": f"https://{identity}.registry.{region}.privatelink.api.azureml.ms"} for region in regions
        },
        "intellectualPropertyPublisher": None,
    }


def no_access(name: str, status: int) -> ServiceError:
    """The refusal of a registry that one has no right to, and of one that is not there (recorded 2026-03)."""
    return ServiceError(
        status,
        "UserError",
        f"User/tenant/subscription is not allowed to access registry {name}",
        inner=("Auth", "Authorization", "UnAuthorizedRegistryAccess"),
        parameters={"feedName": name},
        message_format="User/tenant/subscription is not allowed to access registry {feedName}",
        component="feedmanagement" if status == 403 else "managementfrontend",
    )
