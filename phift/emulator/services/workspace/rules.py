"""What is accepted and refused of workspaces and resource groups."""

from __future__ import annotations

import re
from typing import Any

from phift.emulator.core.context import Cloud
from phift.emulator.core.errors import GatewayError, ServiceError
from phift.emulator.services.workspace.state import Record, find_group, records

__all__ = ["check_name", "existing_group", "existing_workspace", "find_workspace", "not_emulated", "region"]

REGIONS = (
    *("eastus", "eastus2", "westus", "westus2", "westus3", "centralus", "northcentralus", "southcentralus"),
    *("westcentralus", "canadacentral", "canadaeast", "brazilsouth", "northeurope", "westeurope", "uksouth", "ukwest"),
    *("francecentral", "germanywestcentral", "italynorth", "norwayeast", "polandcentral", "spaincentral"),
    *("swedencentral", "switzerlandnorth", "switzerlandwest", "australiaeast", "australiasoutheast", "centralindia"),
    *("southindia", "eastasia", "southeastasia", "japaneast", "japanwest", "koreacentral", "qatarcentral"),
    *("southafricanorth", "uaenorth", "israelcentral"),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}")


def region(location: Any, kind: str) -> str:
    """A region's name, "East US" as eastus. kind: the resource type that is to be there.

    Raises ServiceError 400 for a region that does not exist.
    """
    name = str(location or "").replace(" ", "").casefold()
    if name not in REGIONS:
        text = (
            f"The provided location '{location or ''}' is not available for resource type '{kind}'. List of available "
            f"regions for the resource type is '{','.join(REGIONS)}'."
        )
        raise ServiceError(400, "LocationNotAvailableForResourceType", text)
    return name


def check_name(name: str) -> None:
    """Raises ServiceError 400 for a name that no workspace or registry can have (assumed: workspace_texts)."""
    if not _NAME.fullmatch(name):
        text = (
            f"The name '{name}' is invalid. It must be between 3 and 33 characters long. Its first character has to be "
            "alphanumeric, and the rest may contain hyphens and underscores. No whitespace is allowed."
        )
        raise ServiceError(400, "ValidationError", text)


def existing_group(cloud: Cloud, name: str) -> dict[str, Any]:
    """Raises ServiceError 404 for a resource group that does not exist."""
    found = find_group(cloud, name)
    if found is None:
        raise GatewayError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    return found


def find_workspace(cloud: Cloud, group: str, name: str, kind: str = "workspaces") -> Record | None:
    """The record of a workspace, or registry, in an existing resource group; names are case-insensitive."""
    existing_group(cloud, group)
    asked = [group.casefold(), name.casefold()]
    return next((each for each in records(cloud, kind) if [part.casefold() for part in each.key] == asked), None)


def existing_workspace(cloud: Cloud, group: str, name: str, kind: str = "workspaces") -> Record:
    """Raises ServiceError 404 for a workspace, or registry, that does not exist."""
    found = find_workspace(cloud, group, name, kind)
    if found is None:
        text = (
            f"The Resource 'Microsoft.MachineLearningServices/{kind}/{name}' under resource group '{group}' was not "
            "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        raise GatewayError(404, "ResourceNotFound", text)
    return found


def not_emulated(what: str) -> ServiceError:
    """The refusal of what Azure has and the emulator has not."""
    text = f"The emulator does not emulate {what}. What it has: docs/emulator.md#operations"
    return ServiceError(501, "NotImplemented", text)
