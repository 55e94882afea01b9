"""Online endpoints and deployments in the store: their records and ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.emulator.core.store import Store
from phift.emulator.services.emulator import Emulator

__all__ = [
    "DEPLOYMENT",
    "ENDPOINT",
    "deployments_of",
    "endpoint_id",
    "name_is_taken",
    "never_created",
    "operation_uri",
    "stranger_holds",
]

ENDPOINT = "onlineEndpoint"
"""Records: document, keys, operation (name of the newest), routed (traffic in force), reroute (what follows it, when,
or null)."""


DEPLOYMENT = "onlineDeployment"
"""Records: document, operation (name of the first), succeeded (once at least), launch (what serves, or null)."""
_STRANGERS = "onlineEndpointName"


def never_created(record: Mapping[str, Any]) -> bool:
    """Whether the creation of an endpoint failed; one that was there once and failed to change has its URIs."""
    properties = record["document"]["properties"]
    return properties["provisioningState"] == "Failed" and properties["scoringUri"] is None


def endpoint_id(emulator: Emulator, name: str) -> str:
    return f"{emulator.workspace.arm_id}/onlineEndpoints/{name}"


def operation_uri(emulator: Emulator, operation: str, api_version: str) -> str:
    """The status URL in an object's properties: with the api-version of the request that reads it."""
    workspace = emulator.workspace
    return (
        f"https://management.azure.com/subscriptions/{workspace.subscription_id}/providers/Microsoft.MachineLearning"
        f"Services/locations/{workspace.location}/mfeOperationsStatus/{operation}?api-version={api_version}"
    )


def deployments_of(store: Store, endpoint: str) -> list[dict[str, Any]]:
    """The records of an endpoint's deployments, oldest first."""
    return store.list(DEPLOYMENT, endpoint)


def name_is_taken(emulator: Emulator, name: str) -> bool:
    """Whether another workspace of the region, or another tenant, has an endpoint of this name."""
    others = (each for each in emulator.cloud.workspaces(emulator.workspace.location) if each is not emulator)
    return stranger_holds(emulator.store, name) or any(each.store.get(ENDPOINT, name) for each in others)


def stranger_holds(store: Store, name: str, held: bool | None = None) -> bool:
    """Whether another tenant of the region has an endpoint of this name; `held` sets it (admin requests do)."""
    if held is True:
        store.home.put(_STRANGERS, name, body={"name": name})
    elif held is False:
        store.home.delete(_STRANGERS, name)
    return store.home.get(_STRANGERS, name) is not None
