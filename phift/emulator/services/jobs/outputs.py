"""Where a job's outputs are in the workspace's datastores."""

from __future__ import annotations

import re

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.assets.locations import (
    ARTIFACT_STORE,
    BLOB_STORE,
    BlobPlace,
    RegistryModel,
    container_of,
    long_uri,
    place_of,
)

__all__ = ["output_asset", "output_path", "output_place", "parse_output_asset", "place_uri"]

_ASSET = re.compile(
    r"azureml://locations/[^/]+/workspaces/[^/]+/data/azureml_(?P<run>.+)_output_data_(?P<output>[^/]+)/versions/1",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"\$\{\{\s*(?P<name>name|output_name|default_datastore)\s*\}\}")


def output_path(job: str, output: str) -> str:
    """Path of an output in the default datastore, where the user named no other (field reports)."""
    return f"azureml/{job}/{output}"


def output_place(context: Context, job: str, output: str, uri: str) -> BlobPlace:
    """The blobs of an output; uri: where the user wants it, "" for the default place.

    Raises ServiceError for a uri that is no place in a datastore.
    """
    if not uri:
        return BlobPlace(container_of(context, BLOB_STORE), output_path(job, output))
    known = {"name": job, "output_name": output, "default_datastore": BLOB_STORE}
    place = place_of(context, _PLACEHOLDER.sub(lambda found: known[found["name"]], uri), "uri_folder")
    if isinstance(place, RegistryModel):
        raise ServiceError(400, "UserError", f"Output {output}: {uri} is not a datastore path.")
    return place


def place_uri(context: Context, place: BlobPlace) -> str:
    """The long datastore URI of a place; the URL of its blob where no datastore has its container."""
    builtin = {container_of(context, name): name for name in (BLOB_STORE, ARTIFACT_STORE)}
    own = {
        str(document["properties"].get("containerName")): str(document["name"])
        for document in context.store.list("datastore")
    }
    if store := builtin.get(place.container) or own.get(place.container):
        return long_uri(context, store, place.path)
    return f"https://{context.workspace.storage_account}.blob.core.windows.net/{place.container}/{place.path}"


def output_asset(context: Context, job: str, output: str) -> str:
    """The data asset id under which run history reports an output (recorded 2026-03)."""
    workspace = context.workspace
    return (
        f"azureml://locations/{workspace.location}/workspaces/{workspace.workspace_id}"
        f"/data/azureml_{job}_output_data_{output}/versions/1"
    )


def parse_output_asset(asset: str) -> tuple[str, str] | None:
    """(job, output) of an asset id made by `output_asset`, or None."""
    found = _ASSET.fullmatch(asset)
    return (found["run"], found["output"]) if found else None
