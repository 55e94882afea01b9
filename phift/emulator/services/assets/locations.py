"""Where the data and models that a URI names are stored: blobs, or the folder of the stand-in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.registry.publish import versions

__all__ = ["ARTIFACT_STORE", "BLOB_STORE", "BlobPlace", "RegistryModel", "long_uri", "place_of"]

BLOB_STORE = "workspaceblobstore"
_MAX_LINKS = 16
ARTIFACT_STORE = "workspaceartifactstore"

_DATASTORE = re.compile(r"azureml://(?:subscriptions/.+/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)", re.I)
_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/(?:versions/(?P<version>[^/]+)|labels/latest)",
    re.I,
)
_ASSET = re.compile(
    r"(?:azureml:)?/?subscriptions/.+/workspaces/[^/]+/(?P<kind>data|models)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.I,
)
_LOCATED = re.compile(
    r"azureml://locations/[^/]+/workspaces/[^/]+/(?P<kind>data|models)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)",
    re.I,
)
_SHORT = re.compile(r"azureml:(?!/)(?P<name>[^:/]+):(?P<version>[^:/]+)")
_BLOB_URL = re.compile(
    r"https://(?P<account>[^./]+)\.blob\.core\.windows\.net/(?P<container>[^/]+)/(?P<path>[^?]+)", re.I
)
_JOB_OUTPUT = re.compile(r"azureml://jobs/", re.I)


@dataclass(frozen=True)
class BlobPlace:
    """A blob, or all blobs whose names begin with `path` and a slash."""

    container: str
    path: str


@dataclass(frozen=True)
class RegistryModel:
    """A base model of a registry. version: as the registry numbers it."""

    name: str
    version: str


def place_of(context: Context, uri: str, kind: str, *, links: int = 0) -> BlobPlace | RegistryModel:
    """What a job input's URI stands for. kind: its type, such as uri_file or mlflow_model. links: how many assets lead
    to it.

    Raises ServiceError 404 for an asset or datastore that does not exist and 400 for a URI that jobs do not take.
    """
    if links > _MAX_LINKS:
        raise ServiceError(400, "UserError", f"The uri '{uri}' is a circular asset reference.")
    if _JOB_OUTPUT.match(uri):
        raise ServiceError(
            400, "UserError", f"{uri} is no valid input: give the output's datastore URI (azureml://datastores/...)."
        )
    if found := _REGISTRY.fullmatch(uri):
        return _registry_model(found["registry"], found["name"], found["version"] or "")
    if found := _DATASTORE.fullmatch(uri):
        return BlobPlace(container_of(context, found["store"]), unquote(found["path"]).strip("/"))
    if found := _ASSET.fullmatch(uri) or _LOCATED.fullmatch(uri):
        return _asset(context, found["kind"].lower(), found["name"], found["version"], links)
    if found := _SHORT.fullmatch(uri):
        plural = "models" if kind.endswith("_model") else "data"
        return _asset(context, plural, found["name"], found["version"], links)
    if found := _BLOB_URL.fullmatch(uri):
        if found["account"].lower() != context.workspace.storage_account.lower():
            raise ServiceError(400, "UserError", f"{uri}: only the workspace's own storage account is served here.")
        return BlobPlace(found["container"], unquote(found["path"]).strip("/"))
    raise ServiceError(400, "UserError", f"The uri '{uri}' is not understood by the embedded Azure ML.")


def container_of(context: Context, datastore: str) -> str:
    """The blob container of a datastore; raises ServiceError 404 when there is no such datastore."""
    builtin = {BLOB_STORE: context.workspace.container, ARTIFACT_STORE: ARTIFACT_CONTAINER}
    if container := builtin.get(datastore.lower()):
        return container
    document = context.store.get("datastore", datastore)
    container = ((document or {}).get("properties") or {}).get("containerName")
    if not container:
        raise ServiceError(404, "UserError", f"Could not find datastore: {datastore}.", inner="NotFoundError")
    return str(container)


def long_uri(context: Context, datastore: str, path: str) -> str:
    """The long form the service answers with: resourcegroups in lower case (recorded 2026-03)."""
    workspace = context.workspace
    return (
        f"azureml://subscriptions/{workspace.subscription_id}/resourcegroups/{workspace.resource_group}"
        f"/workspaces/{workspace.name}/datastores/{datastore}/paths/{path}"
    )


def _registry_model(registry: str, name: str, version: str) -> RegistryModel:
    found = versions("models", name, registry.lower())
    known = next((document for document in reversed(found) if version in ("", document["name"])), None)
    if known is None:
        text = f"Not found model {name}" + (f" (version: {version})." if version else ".")
        raise ServiceError(404, "UserError", text, inner=("NotFound", "ModelNotFound"))
    return RegistryModel(name, str(known["name"]))


def _asset(context: Context, kind: str, name: str, version: str, links: int) -> BlobPlace | RegistryModel:
    document = context.store.get(f"{kind}/versions", name, version)
    if document is None:
        raise ServiceError(
            404, "UserError", f"Not found {kind.removesuffix('s')} {name} (version: {version}).", inner=("NotFound",)
        )
    properties = document["properties"]
    return place_of(context, str(properties.get("dataUri") or properties.get("modelUri")), kind, links=links + 1)
