"""Model versions: positive integers, registered from a path or from a job's output."""

from __future__ import annotations

import re
from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.uris import DatastorePath, JobOutput, parse_datastore_uri, parse_job_output
from phift.emulator.core.validation import text_map
from phift.emulator.core.yamlfile import load_yaml
from phift.emulator.services.assets.base import AssetKind, base_properties
from phift.emulator.services.assets.locations import ARTIFACT_STORE, BlobPlace, is_own_blob, place_of
from phift.emulator.services.emulator import Call
from phift.emulator.services.jobs.outputs import output_of_run, place_uri
from phift.emulator.services.jobs.record import find_run

__all__ = ["MODELS"]

_MAX_MLMODEL_BYTES = 256 * 1024
_RUN = re.compile(r"runs:/(?P<run>[^/]+)/(?P<path>.+)", re.I)
"""Artifacts of a run, as MLflow names them."""


def _check_version(version: str) -> None:
    if not re.fullmatch(r"[1-9][0-9]*", version):
        message = f"The model version '{version}' is invalid: a model version must be a positive integer."
        raise ServiceError(400, "UserError", message, inner=("BadArgument", "InvalidModelVersion"))


def _create(call: Call, name: str, version: str, sent: dict[str, Any]) -> dict[str, Any]:
    uri = sent.get("modelUri")
    if not isinstance(uri, str) or not uri:
        raise ServiceError(400, "RequestInvalid", "The request is invalid: a model version needs a modelUri.")
    stored_uri, path, job_name = _resolve(call, uri)
    properties = base_properties(sent)
    kind = sent.get("modelType") or "custom_model"
    metadata = sent.get("systemMetadata") or sent.get("system_metadata")  # clients of registries send the latter
    return {
        **properties,
        "autoDeleteSetting": sent.get("autoDeleteSetting"),
        "flavors": sent.get("flavors") or _flavors(call, _place(call, path, uri), kind),
        "modelType": kind,
        "modelUri": stored_uri,
        "jobName": job_name or sent.get("jobName"),
        "provisioningState": "Succeeded",
        "stage": _stage(properties, sent.get("stage")),
        "intellectualProperty": None,
        **({"systemMetadata": metadata} if isinstance(metadata, dict) else {}),
    }


def _stage(properties: dict[str, Any], asked: Any) -> str:
    if properties["isArchived"]:
        return "Archived"
    if properties["isAnonymous"]:
        return "Logged"
    return str(asked) if asked and asked != "Archived" else "Development"


def _update(call: Call, existing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Tags, description, stage and isArchived change; the path does not."""
    old: dict[str, Any] = existing["properties"]
    uri = sent.get("modelUri")
    if isinstance(uri, str) and uri and _resolve(call, uri)[0] != old["modelUri"]:
        raise ServiceError(400, "UserError", "Asset paths cannot be updated.", inner=("Immutable",))
    changed = {
        **old,
        "description": sent.get("description"),
        "tags": text_map(sent.get("tags"), "tags"),
        "isArchived": bool(sent.get("isArchived", False)),
    }
    changed["properties"] = {**old["properties"], **text_map(sent.get("properties"), "properties")}
    changed["stage"] = _stage(changed, sent.get("stage"))
    return changed


def _resolve(call: Call, uri: str) -> tuple[str, DatastorePath | None, str | None]:
    """The URI to store, its datastore path, its job. The datastore must exist, its content need not."""
    if output := parse_job_output(uri):
        path = _job_output(call, output)
        return path.long(call.emulator.workspace), path, output.job
    if run := _RUN.fullmatch(uri):
        if find_run(call.emulator.store, run["run"]) is None:
            message = f"Job {run['run']} not found."
            raise ServiceError(404, "UserError", message, inner=("NotFound", "JobNotFound"))
        path = DatastorePath(ARTIFACT_STORE, f"ExperimentRun/dcid.{run['run']}/{run['path']}".rstrip("/"))
        return path.long(call.emulator.workspace), path, run["run"]
    path_or_none = parse_datastore_uri(uri, call.emulator.workspace)
    if path_or_none is None:
        return uri, None, None
    if call.emulator.store.get("datastore", path_or_none.datastore) is None:
        message = f"Could not find datastore: {path_or_none.datastore}."
        raise ServiceError(404, "UserError", message, inner="NotFoundError")
    return path_or_none.long(call.emulator.workspace), path_or_none, None


def _job_output(call: Call, output: JobOutput) -> DatastorePath:
    """Where an output of a job, or of a run below it, is; raises the service's error when there is no such output, or
    it is empty."""
    emulator = call.emulator
    if find_run(emulator.store, output.job) is None:
        message = f"Job {output.job} not found."
        raise ServiceError(404, "UserError", message, inner=("NotFound", "JobNotFound"))
    made = output_of_run(emulator, output.job, output.output)
    found = parse_datastore_uri(place_uri(emulator, made.place)) if made else None
    if found is None:
        raise _no_match("NoMatchingOutputFoundFromJob", f"Job output {output.output} not found")
    path = DatastorePath(found.datastore, f"{found.path}/{output.path}".rstrip("/"))
    if not _holds_anything(call, path):
        what = output.path or output.output
        raise _no_match("NoMatchingArtifactsFoundFromJob", f"No artifacts matching {what} found from Job")
    return path


def _no_match(code: str, message: str) -> ServiceError:
    return ServiceError(400, "UserError", message, inner=("BadArgument", code))


def _holds_anything(call: Call, path: DatastorePath) -> bool:
    place = _place(call, path, "")
    if place is None:
        return True
    blobs = call.emulator.blobs
    return blobs.exists(place.container, place.path) or any(True for _ in blobs.list(place.container, place.path + "/"))


def _place(call: Call, path: DatastorePath | None, uri: str) -> BlobPlace | None:
    """The blobs at a datastore path, or else at the URL of the own account; None when they are kept elsewhere."""
    if path is None:
        place = place_of(call.emulator, uri, "custom_model") if is_own_blob(call.emulator, uri) else None
        return place if isinstance(place, BlobPlace) else None
    datastore = call.emulator.store.get("datastore", path.datastore) or {}
    container: str | None = datastore.get("properties", {}).get("containerName")
    return BlobPlace(container, path.path.rstrip("/")) if container else None


def _flavors(call: Call, place: BlobPlace | None, kind: str) -> dict[str, Any]:
    """An MLflow model's flavors, read from its MLmodel file, with values as text; {} for other models, and for a file
    that is none."""
    if place is None or kind != "mlflow_model":
        return {}
    blobs, name = call.emulator.blobs, f"{place.path}/MLmodel".lstrip("/")
    if not blobs.exists(place.container, name):
        return {}
    with blobs.open(place.container, name) as stream:
        try:
            described = load_yaml(stream.read(_MAX_MLMODEL_BYTES))
        except ValueError:
            described = None
    flavors = described.get("flavors") if isinstance(described, dict) else None
    return {
        str(flavor): {
            "data": {str(key): value if isinstance(value, str) else str(value) for key, value in body.items()}
        }
        for flavor, body in (flavors.items() if isinstance(flavors, dict) else ())
        if isinstance(body, dict)
    }


MODELS = AssetKind(
    segment="models",
    label="Model",
    create=_create,
    update=_update,
    container={"tags": {}, "properties": {}, "provisioningState": "Succeeded"},
    check_version=_check_version,
)
