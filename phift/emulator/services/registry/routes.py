"""Registries, `azureml` above all: discovery on the data plane, models and components on its management front end."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.core.listing import in_view, page
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.emulator import Call
from phift.emulator.services.registry.publish import names, registries, versions

__all__ = ["ROUTES"]

_LABELS = {"models": "Model", "components": "Component", "environments": "Environment", "data": "Data"}


def _registry(call: Call, status: int) -> str:
    """The registry asked for. Those that are not there answer as those one has no right to (recorded 2026-03)."""
    name = call.params["registry"]
    if name.lower() not in registries():
        raise ServiceError(
            status,
            "UserError",
            f"User/tenant/subscription is not allowed to access registry {name}",
            inner=("Auth", "Authorization", "UnAuthorizedRegistryAccess"),
            parameters={"feedName": name},
            message_format="User/tenant/subscription is not allowed to access registry {feedName}",
            component="feedmanagement" if status == 403 else "managementfrontend",
        )
    return name.lower()


async def _discover(call: Call) -> Response:
    registry = _registry(call, 403)
    location = call.emulator.workspace.location
    identity = uuid.uuid5(uuid.NAMESPACE_DNS, f"{registry}.registry.phift.local")
    return reply(
        {
            "registryId": str(identity),
            "registryName": registry,
            "tenantId": call.emulator.workspace.tenant_id,
            "primaryRegion": location,
            "regions": [location],
            "subscriptionId": str(uuid.uuid5(identity, "subscription")),
            "resourceGroup": registry,
            "workspaceName": None,
            "primaryRegionResourceProviderUri": f"https://cert-{location}.experiments.azureml.net/",
            "registryFqdns": {location: {"uri": f"https://{identity}.registry.{location}.privatelink.api.azureml.ms"}},
            "intellectualPropertyPublisher": None,
        }
    )


def _active(call: Call, documents: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [each for each in documents if in_view(call, each["properties"]["isArchived"])]


def _container(registry: str, kind: str, name: str, documents: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    newest = documents[-1]
    return {
        "id": f"azureml://registries/{registry}/{kind}/{name}",
        "name": name,
        "type": kind,
        "properties": {
            "description": None,
            "tags": {},
            "properties": {},
            "isArchived": all(each["properties"]["isArchived"] for each in documents),
            "latestVersion": newest["name"],
            "nextVersion": None,
            "provisioningState": "Succeeded",
        },
        "systemData": newest["systemData"],
    }


async def _list(call: Call) -> Response:
    registry, kind = _registry(call, 401), call.params["kind"]
    found = await asyncio.to_thread(lambda: [(n, versions(kind, n, registry)) for n in names(kind, registry)])
    containers = [_container(registry, kind, name, documents) for name, documents in found if _active(call, documents)]
    return page(call, containers)


async def _get_container(call: Call) -> Response:
    registry, kind, name = _registry(call, 401), call.params["kind"], call.params["name"]
    documents = versions(kind, name, registry)
    if not documents:
        raise _not_found(kind, f"container with name: {name}")
    return reply(_container(registry, kind, name, documents))


async def _list_versions(call: Call) -> Response:
    """Newest first; of an unknown name an empty list, not a 404 (recorded 2025)."""
    registry = _registry(call, 401)
    documents = _active(call, versions(call.params["kind"], call.params["name"], registry))
    return page(call, list(reversed(documents)))


async def _get_version(call: Call) -> Response:
    registry, kind, name = _registry(call, 401), call.params["kind"], call.params["name"]
    version = call.params["version"]
    for document in versions(kind, name, registry):
        if document["name"] == version:
            return reply(document)
    raise _not_found(kind, f"with name: {name} and version: {version}")


def _not_found(kind: str, what: str) -> ServiceError:
    label = _LABELS.get(kind, kind)
    message = "The specified resource was not found."
    return ServiceError(404, "UserError", message, details=[detail(f"{label}NotFound", f"{label} {what} not found.")])


async def _refuse_write(call: Call) -> Response:
    raise ServiceError(
        401,
        "UserError",
        f"User/tenant/subscription is not allowed to access registry {call.params['registry']}",
        inner=("Auth", "Authorization", "UnAuthorizedRegistryAccess"),
    )


_BASE = (
    "/mferp/managementfrontend/subscriptions/{registry_sub}/resourceGroups/{registry_group}"
    "/providers/Microsoft.MachineLearningServices/registries/{registry}/{kind}"
)

ROUTES = (
    Route(Host.DATA_PLANE, "GET", "/registrymanagement/v1.0/registries/{registry}/discovery", _discover),
    Route(Host.DATA_PLANE, "GET", _BASE, _list),
    Route(Host.DATA_PLANE, "GET", _BASE + "/{name}", _get_container),
    Route(Host.DATA_PLANE, "GET", _BASE + "/{name}/versions", _list_versions),
    Route(Host.DATA_PLANE, "GET", _BASE + "/{name}/versions/{version}", _get_version),
    Route(Host.DATA_PLANE, "PUT", _BASE + "/{name}/versions/{version}", _refuse_write),
)
