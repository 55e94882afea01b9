"""Run history and what downloads need of it: runs, details, children, run data, resolved output URIs."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import lenient_object
from phift.emulator.services.assets.locations import (
    ARTIFACT_STORE,
    BLOB_STORE,
    BlobPlace,
    container_of,
    long_uri,
    place_of,
)
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.jobs.logs import log_files
from phift.emulator.services.jobs.outputs import output_of_run, parse_output_asset
from phift.emulator.services.jobs.record import Run, find_job, find_run
from phift.emulator.services.jobs.rules import find_or_404, merge_metadata
from phift.emulator.services.runs.definition import run_definition
from phift.emulator.services.runs.documents import run_details, run_document
from phift.emulator.services.runs.outputs import run_outputs, shown_type

__all__ = ["ROUTES"]


def _run(call: Call) -> Run:
    run_id = call.params["run"]
    run = find_run(call.emulator.store, run_id)
    if run is None:
        raise ServiceError(404, "UserError", f"Run {run_id} was not found", inner=("NotFound", "RunNotFound"))
    return run


async def get_run(call: Call) -> Response:
    return reply(run_document(call.emulator, _run(call)))


async def get_details(call: Call) -> Response:
    run = _run(call)
    return reply(run_details(call.emulator, run, log_files(call.emulator.blobs, run.reused or run.run_id)))


async def get_children(call: Call) -> Response:
    """The runs one level below, oldest first (recorded 2026-02)."""
    run = _run(call)
    job = find_or_404(call.emulator, run.root)
    below = (find_run(call.emulator.store, run_id) for run_id in job.runs)
    children = [child for child in below if child and child.parent.casefold() == run.run_id.casefold()]
    return reply({"value": [run_document(call.emulator, child) for child in children]})


async def get_services(call: Call) -> Response:
    """Interactive services of a node: no job has any here."""
    _run(call)
    return reply({"instances": {}})


async def patch_run(call: Call) -> Response:
    """Merge displayName, description, tags, properties and hidden into the job of that name."""
    run = _run(call)
    body = await lenient_object(call, "RunUpdate")
    job = find_job(call.emulator.store, run.run_id)
    if job is None:
        raise ServiceError(400, "UserError", f"Run {run.run_id} is a child of a pipeline and cannot be changed.")
    merge_metadata(job, body)
    job.save(call.emulator.store)
    run.save(call.emulator.store)
    return reply(run_document(call.emulator, run))


async def post_rundata(call: Call) -> Response:
    body = await lenient_object(call, "RunDataRequest")
    call.params["run"] = str(body.get("runId") or "")
    run = _run(call)
    job = find_or_404(call.emulator, run.root)
    # documents of runs below a job have no outputs (recorded 2023-10 and 2026-02)
    metadata = {**run_document(call.emulator, run), "outputs": run_outputs(call.emulator, job, run)}
    return reply(
        {
            "runMetadata": metadata if body.get("selectRunMetadata", True) else None,
            "runDefinition": run_definition(call.emulator, job, run) if body.get("selectRunDefinition") else None,
            "jobSpecification": None,
            "systemSettings": None,
        }
    )


async def resolve_uris(call: Call) -> Response:
    """Where the data assets are, in long form with a slash at the end (recorded 2026-03); unknown ones are left out."""
    body = await lenient_object(call, "ResolveRequest")
    values: dict[str, Any] = {}
    for asset in body.get("values") or []:
        place, kind = _asset_place(call.emulator, str(asset))
        if place is not None:
            path = place.path + ("" if kind == "UriFile" else "/")
            uri = long_uri(call.emulator, _datastore(call.emulator, place.container), path)
            values[str(asset)] = {"uri": uri, "type": kind, "legacyDatasetType": None}
    return reply({"values": values})


def _asset_place(emulator: Emulator, asset: str) -> tuple[BlobPlace | None, str]:
    if (found := parse_output_asset(asset)) is not None:
        made = output_of_run(emulator, *found)
        return (made.place, shown_type(made.type)) if made else (None, shown_type(""))
    place = place_of(emulator, asset, "uri_folder")
    return (place if isinstance(place, BlobPlace) else None), "UriFolder"


def _datastore(emulator: Emulator, container: str) -> str:
    return ARTIFACT_STORE if container == container_of(emulator, ARTIFACT_STORE) else BLOB_STORE


_HISTORY = "/history/v1.0" + WS
_EXPERIMENT = _HISTORY + "/experiments/{experiment}/runs/{run}"

ROUTES = (
    Route(Host.DATA_PLANE, "GET", _HISTORY + "/runs/{run}", get_run),
    Route(Host.DATA_PLANE, "GET", _HISTORY + "/runs/{run}/details", get_details),
    Route(Host.DATA_PLANE, "GET", _HISTORY + "/runs/{run}/children", get_children),
    Route(Host.DATA_PLANE, "GET", _HISTORY + "/runs/{run}/serviceinstances/{index}", get_services),
    Route(Host.DATA_PLANE, "GET", _EXPERIMENT, get_run),
    Route(Host.DATA_PLANE, "GET", _EXPERIMENT + "/details", get_details),
    Route(Host.DATA_PLANE, "GET", _EXPERIMENT + "/children", get_children),
    Route(Host.DATA_PLANE, "PATCH", _EXPERIMENT, patch_run),
    Route(Host.DATA_PLANE, "PATCH", _HISTORY + "/runs/{run}", patch_run),
    Route(Host.DATA_PLANE, "POST", _HISTORY + "/rundata", post_rundata),
    Route(Host.DATA_PLANE, "POST", "/data/v1.0" + WS + "/dataversion/batchGetResolvedUris", resolve_uris),
)
