"""Where the content of a registry's assets is uploaded, and read from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.validation import lenient_object
from phift.emulator.services.assets.locations import BlobPlace, copy_blobs, is_own_blob, place_of
from phift.emulator.services.emulator import Call, Emulator

__all__ = ["content_brought_over", "new_container", "read_place", "upload_place"]

_UPLOAD_SECONDS = 24 * 3600
_READ_SECONDS = 24 * 3600


def new_container(registry: Emulator) -> str:
    """A container of its own for an asset's content, named as those of the service (recorded 2024-05)."""
    name = registry.workspace.name.casefold().replace("_", "-")[:20].strip("-")
    container = f"{name}-{uuid.uuid4()}"
    registry.blobs.store.containers.ensure(container)
    return container


def content_brought_over(registry: Emulator, source: Emulator, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a version of an asset in a workspace, with its content copied into the registry.

    Raises ServiceError 400 for content that cannot be read, or is nowhere.
    """
    found = dict(properties)
    for key in ("modelUri", "dataUri", "codeUri"):
        if uri := found.get(key):
            found[key] = _copied(registry, source, str(uri), str(found.get("modelType") or "uri_folder"))
    if uri := (found.get("build") or {}).get("contextUri"):
        found["build"] = {**found["build"], "contextUri": _copied(registry, source, str(uri), "uri_folder")}
    return found


def _copied(registry: Emulator, source: Emulator, uri: str, kind: str) -> str:
    """The URL at which the registry has what a workspace's URI stands for; that of a base model is unchanged."""
    try:
        place = place_of(source, uri, kind)
    except ServiceError as error:
        raise ServiceError(400, "UserError", f"The content of the asset cannot be copied: {error.message}") from error
    if not isinstance(place, BlobPlace):
        return uri
    container = new_container(registry)
    last = place.path.rpartition("/")[2]
    if copy_blobs(source.blobs, place, registry.blobs, BlobPlace(container, last)) == 0:
        raise ServiceError(400, "UserError", f"The content of the asset cannot be copied: nothing is at {uri}.")
    return registry.blobs.blob_url(container, last)


async def upload_place(call: Call) -> Response:
    """A new container, and a SAS that writes to it; 409 for a version that is there, whose upload clients then skip."""
    sent = await lenient_object(call, "TemporaryDataReference")
    registry, name, version = call.emulator, call.params["name"], call.params["version"]
    _, _, kind = str(sent.get("assetId") or "").removeprefix("azureml://registries/").partition("/")
    kind = kind.partition("/")[0]
    if kind and registry.store.get(f"{kind}/versions", name, version):
        raise ServiceError(409, "UserError", f"The asset {sent['assetId']} already exists.", inner=("Conflict",))
    container = new_container(registry)
    reference = _reference(
        registry,
        registry.blobs.blob_url(container).replace(".net/", ".net:443/", 1),
        registry.blobs.sas_url(container, permissions="rcwl", seconds=_UPLOAD_SECONDS),
    )
    body = {"imageReferenceForConsumption": None, "temporaryDataReferenceId": str(uuid.uuid4())}
    return reply({"blobReferenceForConsumption": reference, **body, "temporaryDataReferenceType": None})


async def read_place(call: Call) -> Response:
    """A SAS that reads the container of the blob that an asset names (assumed: registry_documents)."""
    sent, registry = await lenient_object(call, "DataReference"), call.emulator
    uri = str(sent.get("blobUri") or "")
    place = place_of(registry, uri, "uri_folder") if is_own_blob(registry, uri) else None
    if not isinstance(place, BlobPlace):
        raise ServiceError(400, "UserError", f"{uri} is not a blob of the registry {registry.workspace.name}.")
    sas = registry.blobs.sas_url(place.container, permissions="rl", seconds=_READ_SECONDS)
    return reply({"blobReferenceForConsumption": _reference(registry, uri, sas)})


def _reference(registry: Emulator, blob_uri: str, sas_uri: str) -> dict[str, Any]:
    workspace = registry.workspace
    return {
        "blobUri": blob_uri,
        "storageAccountArmId": (
            f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
            f"/providers/Microsoft.Storage/storageAccounts/{workspace.storage_account}"
        ),
        "credential": {"credentialType": "SAS", "sasUri": sas_uri},
    }
