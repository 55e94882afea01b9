"""Registries, published and created ones: discovery on the data plane, assets on its management front end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import empty, reply, timestamp
from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.core.listing import in_view, page
from phift.emulator.core.routing import Host, Route
from phift.emulator.runtime.foundation.weights import WeightsStore
from phift.emulator.services.assets.base import Assets
from phift.emulator.services.assets.codes import CODES
from phift.emulator.services.assets.data import DATA
from phift.emulator.services.assets.environments import ENVIRONMENTS
from phift.emulator.services.assets.labels import DEFAULT_VERSION
from phift.emulator.services.assets.models import MODELS
from phift.emulator.services.emulator import Call
from phift.emulator.services.registry.components import REGISTRY_COMPONENTS
from phift.emulator.services.registry.publish import names, registries, versions
from phift.emulator.services.registry.resources import RESOURCE_ROUTES
from phift.emulator.services.registry.sharing import accepted, share
from phift.emulator.services.registry.state import created, discovery, no_access
from phift.emulator.services.registry.uploads import read_place, upload_place
from phift.emulator.services.workspace.rules import not_emulated

__all__ = ["ROUTES"]

_DELETED = "deletedVersion"
_LABELS = {"models": "Model", "components": "Component", "environments": "Environment", "data": "Data"}


KINDS: dict[str, Assets] = {
    kind.segment: Assets(kind) for kind in (MODELS, REGISTRY_COMPONENTS, ENVIRONMENTS, DATA, CODES)
}
"""What created registries have, by its name in paths."""


def _registry(call: Call) -> str:
    """The published registry asked for. Those that are not there answer as those one has no right to."""
    name = call.params["registry"]
    if name.lower() not in registries():
        raise no_access(name, 401)
    return name.lower()


def _created(call: Call) -> tuple[Assets, Call] | None:
    """The handlers of the kind asked for, and the call with the emulator of the created registry asked for; None for a
    published one."""
    registry = created(call.emulator.cloud, call.params["registry"])
    if registry is None:
        return None
    if call.params["kind"].lower() not in KINDS:
        raise not_emulated(f"{call.params['kind']} of registries")
    return KINDS[call.params["kind"].lower()], replace(call, emulator=registry)


def _writable(call: Call) -> Call:
    """The call with the emulator of the created registry asked for; others are refused as to a stranger (recorded
    2023-04)."""
    registry = created(call.emulator.cloud, call.params["registry"])
    if registry is None:
        name = call.params["registry"]
        raise ServiceError(
            401,
            "UserError",
            f"User/tenant/subscription is not allowed to access registry {name}",
            inner=("Auth", "Authorization", "UnAuthorizedRegistryAccess"),
        )
    return replace(call, emulator=registry)


async def _discover(call: Call) -> Response:
    found = discovery(call.emulator.cloud, call.params["registry"])
    if found is None:
        raise no_access(call.params["registry"], 403)
    return reply(found)


def _weights(call: Call) -> WeightsStore:
    return WeightsStore(call.emulator.cloud.home)


def _versions(call: Call, registry: str) -> tuple[dict[str, Any], ...]:
    kind, name = call.params["kind"], call.params["name"]
    return versions(kind, name, registry, _weights(call).find(name) if kind == "models" else None)


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
    if own := _created(call):
        return await own[0].list_containers(own[1])
    registry, kind = _registry(call), call.params["kind"]
    weights = {each.name.lower(): each for each in _weights(call).list()} if kind == "models" else {}
    listed = [each.name for each in weights.values()]
    found = await asyncio.to_thread(
        lambda: [(n, versions(kind, n, registry, weights.get(n.lower()))) for n in names(kind, registry, listed)]
    )
    containers = [_container(registry, kind, name, documents) for name, documents in found if _active(call, documents)]
    return page(call, containers)


async def _get_container(call: Call) -> Response:
    if own := _created(call):
        return await own[0].get_container(own[1])
    registry, kind, name = _registry(call), call.params["kind"], call.params["name"]
    documents = _versions(call, registry)
    if not documents:
        raise _not_found(kind, f"container with name: {name}")
    return reply(_container(registry, kind, name, documents))


async def _list_versions(call: Call) -> Response:
    """Newest first; of an unknown name an empty list, not a 404 (recorded 2025)."""
    if own := _created(call):
        there = own[1].emulator.store.get(call.params["kind"].lower(), call.params["name"])
        return await own[0].list_versions(own[1]) if there else reply({"value": []})
    registry = _registry(call)
    documents = _active(call, _versions(call, registry))
    return page(call, list(reversed(documents)))


async def _get_version(call: Call) -> Response:
    if own := _created(call):
        return await own[0].get_version(own[1])
    registry, kind, name = _registry(call), call.params["kind"], call.params["name"]
    version = call.params["version"]
    for document in reversed(_versions(call, registry)):
        if document["name"] == version or (version == DEFAULT_VERSION and not document["properties"]["isArchived"]):
            return reply(document)
    raise _not_found(kind, f"with name: {name} and version: {version}")


def _not_found(kind: str, what: str) -> ServiceError:
    label = _LABELS.get(kind, kind)
    message = "The specified resource was not found."
    return ServiceError(404, "UserError", message, details=[detail(f"{label}NotFound", f"{label} {what} not found.")])


async def _put_version(call: Call) -> Response:
    """Write a version. It is there at once; the answer is that of an operation (recorded 2023-03)."""
    call = _writable(call)
    own = _created(call)
    if own is None:
        raise LookupError("a writable registry is a created one")
    if gone := call.emulator.store.get(_DELETED, *_key(call)):
        target = call.emulator.workspace.asset_id(*_key(call))
        text = (
            f"Asset {target} was deleted at {gone['deleted']}, it cannot be recreated. Please try again with a "
            "different version."
        )
        raise ServiceError(400, "UserError", text)
    await own[0].put_version(call)
    return accepted(call, "registry.asset_written", _key(call), {})


def _key(call: Call) -> tuple[str, str, str]:
    """Kind, name and version of what is asked for."""
    return (call.params["kind"].lower(), call.params["name"], call.params["version"])


async def _delete_version(call: Call) -> Response:
    """Remove a version for good: its number cannot be used again."""
    call = _writable(call)
    own = _created(call)
    if own is None:
        raise LookupError("a writable registry is a created one")
    answer = await own[0].delete_version(call)
    if answer.status_code == 200:
        call.emulator.store.put(_DELETED, *_key(call), body={"deleted": timestamp()})
    return answer


async def _put_container(call: Call) -> Response:
    """Archive or restore all of a name, at once."""
    call = _writable(call)
    own = _created(call)
    if own is None:
        raise LookupError("a writable registry is a created one")
    return await own[0].put_container(call)


async def _upload_place(call: Call) -> Response:
    return await upload_place(_writable(call))


async def _read_place(call: Call) -> Response:
    if call.params["registry"].lower() in registries():
        raise not_emulated(f"the content of the assets of {call.params['registry']}: weights are not here")
    return await read_place(_writable(call))


async def _share(call: Call) -> Response:
    return await share(_writable(call))


async def _operation(call: Call) -> Response:
    """202 without a body while it runs, then 200 without one (recorded 2023-03)."""
    found = (each.operations.get(call.params["operation"]) for each in call.emulator.cloud.contexts)
    operation = next(filter(None, found), None)
    if operation is None:
        raise ServiceError(404, "NotFound", f"Operation {call.params['operation']} not found.")
    if operation.status == "Running":
        return empty(202, operation.poll_headers)
    if operation.error:
        raise ServiceError(400, operation.error["code"], operation.error["message"])
    return empty(200)


_BASE = (
    "/mferp/managementfrontend/subscriptions/{registry_sub}/resourceGroups/{registry_group}"
    "/providers/Microsoft.MachineLearningServices/registries/{registry}"
)
_KIND = _BASE + "/{kind}"

ROUTES = (
    Route(Host.DATA_PLANE, "GET", "/registrymanagement/v1.0/registries/{registry}/discovery", _discover),
    Route(Host.DATA_PLANE, "GET", _KIND, _list),
    Route(Host.DATA_PLANE, "GET", _KIND + "/{name}", _get_container),
    Route(Host.DATA_PLANE, "PUT", _KIND + "/{name}", _put_container),
    Route(Host.DATA_PLANE, "GET", _KIND + "/{name}/versions", _list_versions),
    Route(Host.DATA_PLANE, "GET", _KIND + "/{name}/versions/{version}", _get_version),
    Route(Host.DATA_PLANE, "PUT", _KIND + "/{name}/versions/{version}", _put_version),
    Route(Host.DATA_PLANE, "DELETE", _KIND + "/{name}/versions/{version}", _delete_version),
    Route(Host.DATA_PLANE, "PUT", _BASE + "/tempdatarefs/{name}/versions/{version}", _upload_place),
    Route(Host.DATA_PLANE, "POST", _BASE + "/datarefs/{name}/versions/{version}", _read_place),
    Route(Host.DATA_PLANE, "POST", _BASE + "/import", _share),
    Route(Host.DATA_PLANE, "GET", "/environment/v1.0/operations/{operation}", _operation),
    *RESOURCE_ROUTES,
)
