"""Sharing: a version of a workspace's asset is copied into a registry, with its content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import Operation
from phift.emulator.core.validation import check_asset_name, check_asset_version, lenient_object
from phift.emulator.services.assets.base import AssetKind, store_version
from phift.emulator.services.assets.components import COMPONENTS
from phift.emulator.services.assets.data import DATA
from phift.emulator.services.assets.environments import ENVIRONMENTS
from phift.emulator.services.assets.models import MODELS
from phift.emulator.services.emulator import Call, Emulator, emulators
from phift.emulator.services.registry.components import self_contained
from phift.emulator.services.registry.uploads import content_brought_over

__all__ = ["FINISHERS", "accepted", "share"]

SHARED: dict[str, AssetKind] = {kind.segment: kind for kind in (MODELS, DATA, ENVIRONMENTS, COMPONENTS)}
_SOURCE = re.compile(
    r"azureml://locations/[^/]+/workspaces/(?P<guid>[^/]+)/(?P<kind>[^/]+)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.I,
)


@dataclass(frozen=True)
class _Source:
    """A version of an asset in a workspace."""

    emulator: Emulator
    kind: AssetKind
    document: dict[str, Any]


async def share(call: Call) -> Response:
    """Begin to copy what sourceAssetId names, under destinationName and destinationVersion or its own ones."""
    sent = (await lenient_object(call, "ResourceManagementAssetReference")).get("properties") or {}
    asset = str(sent.get("sourceAssetId") or "")
    source = _source(call.emulator, asset)
    found = source.document["id"].split("/")
    name = str(sent.get("destinationName") or found[-3])
    version = str(sent.get("destinationVersion") or found[-1])
    check_asset_name(name)
    check_asset_version(version)
    source.kind.check_version(version)
    if call.emulator.store.get(source.kind.versions, name, version):
        target = call.emulator.workspace.asset_id(source.kind.segment, name, version)
        raise ServiceError(409, "UserError", f"The asset {target} already exists.", inner=("Conflict",))
    data = {"source": asset, "name": name, "version": version}
    return accepted(call, "registry.shared", (source.kind.segment, name, version), data)


def accepted(call: Call, finish: str, key: tuple[str, ...], data: dict[str, Any]) -> Response:
    """The answer to a write in a registry: 202 with null, and a Location that is polled (recorded 2023-03)."""
    operation = call.emulator.operations.start(
        "registryAsset", key, finish=finish, data=data, api_version=call.api_version
    )
    place = f"https://{call.emulator.workspace.location}.api.azureml.ms/environment/v1.0/operations/{operation.name}"
    headers = {"Location": place, "x-ms-async-operation-timeout": "PT1H", **operation.poll_headers}
    return reply(None, 202, headers)


def _source(registry: Emulator, asset: str) -> _Source:
    """Raises ServiceError 400 for what is not a version of an asset, and 404 for one that is not there."""
    found = _SOURCE.fullmatch(asset)
    kind = SHARED.get(found["kind"].lower()) if found else None
    if found is None or kind is None:
        text = f"'{asset}' does not name a version of a model, data, environment or component of a workspace."
        raise ServiceError(400, "UserError", text, target="sourceAssetId")
    guid = found["guid"].casefold()
    emulator = next((each for each in emulators(registry.cloud) if each.workspace.workspace_id == guid), None)
    document = emulator.store.get(kind.versions, found["name"], found["version"]) if emulator else None
    if emulator is None or document is None:
        raise kind.missing(kind, found["name"], found["version"])
    return _Source(emulator, kind, document)


def _shared(registry: Emulator, operation: Operation) -> None:
    """Copy the content, then make the version. When it runs again after a crash, it copies again."""
    operation.fail_if_asked()
    source, name, version = (
        _source(registry, operation.data["source"]),
        operation.data["name"],
        operation.data["version"],
    )
    if registry.store.get(source.kind.versions, name, version):
        return
    properties = content_brought_over(registry, source.emulator, source.document["properties"]) | {"isArchived": False}
    if source.kind is COMPONENTS:
        spec = {**properties["componentSpec"], "name": name, "version": version}
        properties["componentSpec"] = self_contained(registry, spec)
    if source.kind is MODELS:
        properties["stage"] = "Development"
    store_version(registry, source.kind, name, version, properties)


def _written(registry: Emulator, operation: Operation) -> None:
    """End a write; one that fails, by a fault, leaves a version whose provisioningState is Failed."""
    try:
        operation.fail_if_asked()
    except ServiceError:
        segment, *key = operation.resource
        if document := registry.store.get(f"{segment}/versions", *key):
            document["properties"]["provisioningState"] = "Failed"
            registry.store.put(f"{segment}/versions", *key, body=document)
        raise


FINISHERS = {
    "registry.shared": _shared,
    "registry.asset_written": _written,
}
