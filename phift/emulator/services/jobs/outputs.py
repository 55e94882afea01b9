"""Where a job's outputs are in the workspace's datastores."""

from __future__ import annotations

import re
from dataclasses import dataclass

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
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.jobs.logs import artifact_prefix
from phift.emulator.services.jobs.record import find_job, find_run
from phift.emulator.services.jobs.works import work_of

__all__ = [
    "RunOutput",
    "output_asset",
    "output_of_run",
    "output_path",
    "output_place",
    "parse_output_asset",
    "place_uri",
]

_ARTIFACTS = ("artifacts", "default")
_FOLDER = "uri_folder"
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

    Raises ServiceError for a uri that is not a place in a datastore.
    """
    if not uri:
        return BlobPlace(container_of(context, BLOB_STORE), output_path(job, output))
    known = {"name": job, "output_name": output, "default_datastore": BLOB_STORE}
    place = place_of(context, _PLACEHOLDER.sub(lambda found: known[found["name"]], uri), "uri_folder")
    if isinstance(place, RegistryModel):
        raise ServiceError(400, "UserError", f"Output {output}: {uri} is not a datastore path.")
    return place


@dataclass(frozen=True)
class RunOutput:
    """An output of a run. type: as declared, such as uri_folder."""

    place: BlobPlace
    type: str


def output_of_run(context: Context, run_id: str, name: str) -> RunOutput | None:
    """An output of a job, or of a run below one; None for one that it does not have.

    `artifacts` and `default` are what the artifact store has of the run: logs, and what the run left in `outputs`.
    """
    run = find_run(context.store, run_id)
    job = find_job(context.store, run.root) if run else None
    if run is None or job is None:
        return None
    declared = (job.submitted.get("outputs") or {}).get(name)
    in_pipeline = run.kind == "trial" and job.job_type != "Sweep"
    if run.kind in ("job", "trial") and not in_pipeline and isinstance(declared, dict):
        place = output_place(context, run.run_id, name, str(declared.get("uri") or ""))
        return RunOutput(place, str(declared.get("jobOutputType") or _FOLDER))
    for work in (work_of(document) for document in job.works):
        node = find_run(context.store, run.parent) if in_pipeline else run
        for output in work.kept if node and work.node and work.node == (node.path or node.node) else ():
            if (output.job_name if in_pipeline and output.job_name else output.component_name) == name:
                owner = job.name if output.job_name and not in_pipeline else run.run_id
                return RunOutput(output_place(context, owner, output.job_name or name, output.uri), output.type)
    if name in _ARTIFACTS:
        place = BlobPlace(ARTIFACT_CONTAINER, artifact_prefix(run.reused or run.run_id).rstrip("/"))
        return RunOutput(place, _FOLDER)
    return None


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
