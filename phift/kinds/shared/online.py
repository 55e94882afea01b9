"""The document of an online endpoint, shared by endpoint, deployments, tests and traffic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from phift.azure.operations import operation_of
from phift.errors import ConflictError
from phift.kinds.context import Context
from phift.kinds.shared.wire import READ, provisioning
from phift.state.ownership import user_tags

__all__ = [
    "AGAIN",
    "WRITE",
    "endpoint_path",
    "find_endpoint",
    "give_up_share",
    "split",
    "users_properties",
    "written_back",
]

WRITE = "2022-02-01-preview"
"""The api-version azure-ai-ml 1.35 writes endpoints with."""

_SERVER_OWNED = ("azureml.", "AzureAsyncOperationUri", "createdBy", "createdAt", "lastModifiedAt")
"""Keys that the service writes into the property bag; they are not sent back."""

_SETTLING_LOOKS = 120
_LOOK_SECONDS = 0.5
AGAIN = "Re-run `phift apply` to write the traffic split again."


def endpoint_path(context: Context, name: str) -> str:
    """Return the ARM path of the endpoint."""
    return f"{context.azure.workspace.arm_id}/onlineEndpoints/{name}"


def find_endpoint(context: Context, name: str) -> dict[str, Any] | None:
    """Return the document of the endpoint, or None if it does not exist."""
    return context.find(f"{context.azure.workspace.arm_id}/onlineEndpoints", name, READ)


def written_back(raw: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    """Return the live document as the body of a PUT, with the properties of `own` replaced and traffic kept."""
    properties = raw["properties"]
    bag = users_properties(properties.get("properties"))
    identity = raw.get("identity") or {"type": "SystemAssigned"}
    kept: dict[str, Any] = {"type": identity["type"]}
    if users := identity.get("userAssignedIdentities"):
        kept["userAssignedIdentities"] = {name: {} for name in users}
    return {
        "location": raw["location"],
        "tags": raw.get("tags") or {},
        "identity": kept,
        "properties": {
            "authMode": properties.get("authMode"),
            "description": properties.get("description"),
            "properties": bag,
            "publicNetworkAccess": properties.get("publicNetworkAccess"),
            "traffic": {k: v for k, v in (properties.get("traffic") or {}).items() if v},
            "mirrorTraffic": {k: v for k, v in (properties.get("mirrorTraffic") or {}).items() if v},
            **own,
        },
    }


def users_properties(bag: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the properties of a bag that neither the service nor phift owns."""
    return {k: v for k, v in user_tags(bag).items() if not k.startswith(_SERVER_OWNED)}


def split(traffic: Mapping[str, Any] | None) -> dict[str, int]:
    """Return the non-zero shares by lower-case name, as the service compares names case-insensitively."""
    return {name.lower(): int(share) for name, share in (traffic or {}).items() if share}


def give_up_share(context: Context, endpoint: str, deployment: str) -> None:
    """Remove a deployment from the traffic of the endpoint at an ARM path, and wait for completion.

    Raises ConflictError if other deployments have traffic too, as their shares would no longer sum to 100.
    """
    raw = context.azure.arm.get(endpoint, READ)
    now = split(raw["properties"].get("traffic"))
    if deployment.lower() not in now:
        return
    if len(now) > 1:
        raise ConflictError(
            f"deployment {deployment} still has {now[deployment.lower()]} % of the traffic",
            remedy="Shift its traffic to the other deployments, then re-run `phift apply`.",
        )
    operation = operation_of(context.azure.arm.put(endpoint, WRITE, written_back(raw, traffic={})))
    what = f"removing {deployment} from the traffic of endpoint {raw['name']}"
    for _ in range(_SETTLING_LOOKS):
        progress = provisioning(context, context.azure.arm.get(endpoint, READ), what, operation, fallback=AGAIN)
        if progress.error is not None:
            raise progress.error
        if progress.done:
            return
        time.sleep(_LOOK_SECONDS)
