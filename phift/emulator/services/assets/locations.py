"""Where the data and models that a URI names are stored: blobs, or the folder of the stand-in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime import foundation
from phift.emulator.runtime.foundation.weights import WeightsStore
from phift.emulator.services.assets.labels import labelled_version
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER, BlobAccount
from phift.emulator.services.registry.publish import stands_in, versions

__all__ = [
    "ARTIFACT_STORE",
    "BLOB_STORE",
    "BlobPlace",
    "RegistryModel",
    "account_of",
    "check_region",
    "container_of",
    "copy_blobs",
    "is_own_blob",
    "long_uri",
    "model_type",
    "place_of",
]

BLOB_STORE = "workspaceblobstore"
REGISTRY_CONTAINER = "registry-assets"
"""What a workspace uses of registries is brought over to this container of its account."""
_MAX_LINKS = 16
ARTIFACT_STORE = "workspaceartifactstore"

_DATASTORE = re.compile(r"azureml://(?:subscriptions/.+/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)", re.I)
_REGISTRY = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/(?P<kind>data|models)/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))",
    re.I,
)
_WORKSPACE = re.compile(
    r"(?:azureml:(?://)?)?/?subscriptions/(?P<sub>[^/]+)/resourcegroups/(?P<rg>[^/]+)/"
    r"(?:providers/Microsoft\.MachineLearningServices/)?workspaces/(?P<ws>[^/]+)/",
    re.I,
)
_ASSET = re.compile(
    r"(?:azureml:)?/?subscriptions/.+/workspaces/[^/]+/(?P<kind>data|models)/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))",
    re.I,
)
_LOCATED = re.compile(
    r"azureml://locations/[^/]+/workspaces/(?P<guid>[^/]+)/(?P<kind>data|models)/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))",
    re.I,
)
_SHORT = re.compile(r"azureml:(?!/)(?P<name>[^:/@]+)(?::(?P<version>[^:/]+)|@(?P<label>[^:/]+))")
_BLOB_URL = re.compile(
    r"https://(?P<account>[^./]+)\.blob\.core\.windows\.net(?::443)?/(?P<container>[^/?]+)(?:/(?P<path>[^?]+))?/?", re.I
)
_JOB_OUTPUT = re.compile(r"azureml://jobs/", re.I)


@dataclass(frozen=True)
class BlobPlace:
    """A blob, or all blobs whose names begin with `path` and a slash."""

    container: str
    path: str


@dataclass(frozen=True)
class RegistryModel:
    """A base model of a registry. version: as the registry numbers it.

    folder: its weights, or the stand-in's; None where there is neither. stand_in: which. digest: of real weights.
    """

    name: str
    version: str
    folder: Path | None = None
    stand_in: bool = False
    digest: str = ""


def place_of(context: Context, uri: str, kind: str, *, links: int = 0) -> BlobPlace | RegistryModel:
    """What a job input's URI stands for. kind: its type, such as uri_file or mlflow_model. links: how many assets lead
    to it.

    Raises ServiceError 404 for an asset or datastore that does not exist and 400 for a URI that jobs do not take.
    """
    if links > _MAX_LINKS:
        raise ServiceError(400, "UserError", f"The uri '{uri}' is a circular asset reference.")
    if _JOB_OUTPUT.match(uri):
        raise ServiceError(
            400, "UserError", f"{uri} is not a valid input: give the output's datastore URI (azureml://datastores/...)."
        )
    if found := _REGISTRY.fullmatch(uri):
        return _of_registry(context, found, kind)
    _check_workspace(context, uri)
    if found := _DATASTORE.fullmatch(uri):
        return BlobPlace(container_of(context, found["store"]), unquote(found["path"]).strip("/"))
    if found := _ASSET.fullmatch(uri) or _LOCATED.fullmatch(uri):
        return _asset(context, found["kind"].lower(), found.groupdict(), links)
    if found := _SHORT.fullmatch(uri):
        return _asset(context, "models" if kind.endswith("_model") else "data", found.groupdict(), links)
    if found := _BLOB_URL.fullmatch(uri):
        if found["account"].lower() != context.workspace.storage_account.lower():
            text = f"{uri}: the emulator reads only the workspace's own storage account. Upload the data to it."
            raise ServiceError(400, "UserError", text)
        return BlobPlace(found["container"], unquote(found["path"] or "").strip("/"))
    raise ServiceError(400, "UserError", f"The uri '{uri}' is not understood by the emulator.")


def is_own_blob(context: Context, uri: str) -> bool:
    """Whether a URI is the URL of a blob, or of a folder of blobs, in the account of the workspace or registry."""
    found = _BLOB_URL.fullmatch(uri)
    return found is not None and found["account"].lower() == context.workspace.storage_account.lower()


def model_type(context: Context, uri: str) -> str:
    """The modelType of the version of a model that a URI names, in the workspace or in a registry that was created in
    the home; "" for every other URI."""
    found = _REGISTRY.fullmatch(uri)
    where = context.cloud.registry(found["registry"]) if found else context
    found = found or _ASSET.fullmatch(uri) or _LOCATED.fullmatch(uri) or _SHORT.fullmatch(uri)
    if not found or where is None:
        return ""
    version = found["version"] or labelled_version(where.store, "models", found["name"], found["label"] or "") or ""
    stored = where.store.get("models/versions", found["name"], version) or {}
    return str(stored.get("properties", {}).get("modelType") or "")


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


def _check_workspace(context: Context, uri: str) -> None:
    """Raises ServiceError 400 for a URI of another workspace."""
    workspace = context.workspace
    own = [workspace.subscription_id, workspace.resource_group, workspace.name]
    found = _WORKSPACE.match(uri)
    located = _LOCATED.fullmatch(uri)
    if (found and [each.casefold() for each in found.groups()] != [each.casefold() for each in own]) or (
        located and located["guid"].casefold() != workspace.workspace_id.casefold()
    ):
        text = (
            f"{uri} is of another workspace than {workspace.name}, and the emulator does not read it there: "
            "share the asset through a registry."
        )
        raise ServiceError(400, "UserError", text)


def _of_registry(context: Context, found: re.Match[str], kind: str) -> BlobPlace | RegistryModel:
    """What an asset of a registry stands for: a base model, or blobs that the workspace's own account has then too."""
    registry = context.cloud.registry(found["registry"])
    if registry is None:
        if found["kind"].lower() == "models":
            return _registry_model(context, found["registry"], found["name"], found["version"] or "")
        text = f"Not found data {found['name']} (version: {found['version'] or found['label']})."
        raise ServiceError(404, "UserError", text, inner=("NotFound", "DataNotFound"))
    check_region(context, registry, found[0])
    segment, name = found["kind"].lower(), found["name"]
    version = found["version"] or labelled_version(registry.store, segment, name, found["label"]) or ""
    place = _asset(registry, segment, {"name": name, "version": version, "label": found["label"]}, 0)
    if isinstance(place, RegistryModel):
        return place
    return _copied(context, registry, place, f"{registry.workspace.workspace_id}/{segment}/{name}/{version}".casefold())


def check_region(context: Context, registry: Context, key: str) -> None:
    """Raises ServiceError 400 unless the registry is in the workspace's region (text recorded 2023). key: the id of
    what is consumed."""
    name, region = registry.workspace.name, context.workspace.location
    record = context.cloud.store.get("registries", registry.workspace.resource_group, name) or {}
    regions = record.get("settings", {}).get("regions", [registry.workspace.location])
    if region not in regions:
        text = (
            f"key: {key}, Message: Invalid region {region} for operation consume in registry {name}. Region {region} "
            f"is not a supported region for registry {name}. Supported regions are {', '.join(regions)}."
        )
        raise ServiceError(400, "BadRequest", text)


def account_of(context: Context) -> BlobAccount:
    """The storage account of a workspace or registry."""
    account: BlobAccount = vars(context)["blobs"]
    return account


def _copied(context: Context, registry: Context, place: BlobPlace, folder: str) -> BlobPlace:
    """Where the workspace's own account has what a registry has; versions of a registry never change, so that it is
    brought over once, as links to the same files."""
    target = account_of(context)
    target.store.containers.ensure(REGISTRY_CONTAINER)
    copied = BlobPlace(REGISTRY_CONTAINER, f"{folder}/{place.path.rpartition('/')[2]}".rstrip("/"))
    there = target.exists(copied.container, copied.path) or any(True for _ in target.list(*_folder_of(copied)))
    if not there:
        with context.store.transaction():  # all of it or nothing: what is there is taken for whole
            copy_blobs(account_of(registry), place, target, copied)
    return copied


def copy_blobs(source: BlobAccount, place: BlobPlace, target: BlobAccount, to: BlobPlace) -> int:
    """Copies a blob, or all blobs of a folder, from one account to another; returns how many."""
    container, prefix = _folder_of(place)
    found = {f"{to.path}/{blob.name.removeprefix(prefix)}".lstrip("/"): blob for blob in source.list(container, prefix)}
    if place.path and (blob := source.store.find(place.container, place.path)):
        found[to.path] = blob
    for name, blob in found.items():
        target.copy(to.container, name, source, blob)
    return len(found)


def _folder_of(place: BlobPlace) -> tuple[str, str]:
    """Container, and prefix of the names of the blobs in it, if a place is a folder."""
    return place.container, f"{place.path}/" if place.path else ""


def _registry_model(context: Context, registry: str, name: str, version: str) -> RegistryModel:
    weights = WeightsStore(context.cloud.home).find(name)
    found = versions("models", name, registry.lower(), weights)
    known = next((document for document in reversed(found) if version in ("", document["name"])), None)
    if known is None:
        text = f"Not found model {name}" + (f" (version: {version})." if version else ".")
        raise ServiceError(404, "UserError", text, inner=("NotFound", "ModelNotFound"))
    if weights:
        return RegistryModel(name, str(known["name"]), weights.path, digest=weights.digest)
    stand_in = stands_in(name)
    return RegistryModel(name, str(known["name"]), foundation.WEIGHTS if stand_in else None, stand_in)


def _asset(context: Context, kind: str, found: Mapping[str, Any], links: int) -> BlobPlace | RegistryModel:
    """What a version of an asset stands for. found: its name, and its version or label."""
    name = found["name"]
    version = found["version"] or labelled_version(context.store, kind, name, found["label"] or "") or ""
    document = context.store.get(f"{kind}/versions", name, version)
    if document is None:
        what = version or found["label"] or ""
        raise ServiceError(
            404, "UserError", f"Not found {kind.removesuffix('s')} {name} (version: {what}).", inner=("NotFound",)
        )
    properties = document["properties"]
    return place_of(context, str(properties.get("dataUri") or properties.get("modelUri")), kind, links=links + 1)
