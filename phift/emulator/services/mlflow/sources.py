"""Where the content of a model version is: brought into the workspace's storage when it is registered, and read back
by MLflow's clients as artifacts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from starlette.responses import Response, StreamingResponse

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.runtime.tracking.server import TrackingError
from phift.emulator.services.assets.locations import ARTIFACT_STORE, BlobPlace, long_uri, place_of
from phift.emulator.services.assets.models import MODELS
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.emulator import Call, Emulator

__all__ = ["DOWNLOADS", "artifact", "download_uri", "model_uri"]

DOWNLOADS = "azureml-models"
"""The folder of the tracking server's artifacts under which models are read; the server itself has none of it."""
_MODELS_URI = re.compile(r"models:/(?P<name>[^/@]+)/(?P<version>[^/]+)/?")
_CHUNK = 1 << 20


async def model_uri(emulator: Emulator, source: str) -> str:
    """The URI under which the workspace keeps what a client registers: artifacts of runs are copied into the
    workspace's storage, all other sources stay where they are.

    Raises ServiceError for runs and models that do not exist, and for sources that the workspace cannot read.
    """
    if found := _MODELS_URI.fullmatch(source):
        document = emulator.store.get(MODELS.versions, found["name"], found["version"])
        if document is None:
            text = f"Model Version (name={found['name']}, version={found['version']}) not found"
            raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", text)
        return str(document["properties"]["modelUri"])
    if source.startswith("runs:/"):
        run, _, path = source.removeprefix("runs:/").partition("/")
        prefix = f"ExperimentRun/dcid.{run}/{path.strip('/')}"
        if any(True for _ in emulator.blobs.list(ARTIFACT_CONTAINER, prefix + "/")):  # of a job
            return long_uri(emulator, ARTIFACT_STORE, prefix)
        source = f"{await _artifact_uri(emulator, run)}/{path.strip('/')}"
    if source.startswith("mlflow-artifacts:"):
        return await _copied(emulator, unquote(urlsplit(source).path).strip("/"))
    if source.startswith(("azureml:", "https://")):
        return source
    text = f"Invalid model version source: '{source}'. Use an artifact of a run, a datastore path or a job's output."
    raise ServiceError(400, "INVALID_PARAMETER_VALUE", text)


async def _artifact_uri(emulator: Emulator, run: str) -> str:
    try:
        answer = await emulator.tracking.request("GET", f"/api/2.0/mlflow/runs/get?run_id={quote(run)}")
    except TrackingError as error:
        raise ServiceError(503, "TEMPORARILY_UNAVAILABLE", str(error)) from error
    if answer.status != 200:
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", f"Run '{run}' not found")
    return str(json.loads(answer.body)["run"]["info"]["artifact_uri"]).rstrip("/")


async def _copied(emulator: Emulator, path: str) -> str:
    """Artifacts of the tracking server as artifacts of the run in the workspace's storage."""
    experiment, _, rest = path.partition("/")
    run, _, below = rest.partition("/artifacts/")
    root = emulator.tracking.artifacts(experiment, run).resolve()
    folder = (root / below).resolve()
    if not below or "/" in run or ".." in (experiment, run) or not folder.is_relative_to(root) or not folder.exists():
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", f"There is no artifact at mlflow-artifacts:/{path}")
    prefix = f"ExperimentRun/dcid.{run}/{below}"
    # copies: MLflow's server writes into its files again
    if folder.is_dir():
        await emulator.blobs.put_folder(ARTIFACT_CONTAINER, prefix, folder, link=False)
    else:
        await emulator.blobs.put_file(ARTIFACT_CONTAINER, prefix, folder, link=False)
    return long_uri(emulator, ARTIFACT_STORE, prefix)


def download_uri(name: str, version: str) -> str:
    """Where MLflow's clients read a version: they know no azureml:// URIs, which on Azure takes a plug-in."""
    return f"mlflow-artifacts:/{DOWNLOADS}/{quote(name)}/{quote(version)}"


async def artifact(call: Call, path: str) -> Response:
    """GET below DOWNLOADS, as of the tracking server's artifacts: a file, or with ?path= the list of a folder."""
    listed = call.query("path").strip("/")
    if not path and listed:
        name, version, below = _split(listed.removeprefix(f"{DOWNLOADS}/"))
        return reply({"files": list(_files(call.emulator, _place(call.emulator, name, version), below))})
    name, version, below = _split(path)
    place = _place(call.emulator, name, version)
    blobs, full = call.emulator.blobs, f"{place.path}/{below}".strip("/")
    if not blobs.exists(place.container, full):
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", f"The model {name} {version} has no file {below}")
    stream = blobs.open(place.container, full)

    def content() -> Iterator[bytes]:
        with stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    return StreamingResponse(content(), media_type="application/octet-stream")


def _split(path: str) -> tuple[str, str, str]:
    name, _, rest = path.strip("/").partition("/")
    version, _, below = rest.partition("/")
    return unquote(name), unquote(version), below


def _place(emulator: Emulator, name: str, version: str) -> BlobPlace:
    document = emulator.store.get(MODELS.versions, name, version)
    if document is None:
        text = f"Model Version (name={name}, version={version}) not found"
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", text)
    place = place_of(emulator, str(document["properties"]["modelUri"]), "mlflow_model")
    if not isinstance(place, BlobPlace):
        raise ServiceError(404, "RESOURCE_DOES_NOT_EXIST", f"The content of {name} {version} is not here")
    return place


def _files(emulator: Emulator, place: BlobPlace, below: str) -> Iterator[dict[str, Any]]:
    """What is directly in a folder, by name."""
    prefix = "/".join(filter(None, (place.path, below.strip("/")))) + "/"
    folders: set[str] = set()
    for blob in emulator.blobs.list(place.container, prefix):
        name, slash, _ = blob.name.removeprefix(prefix).partition("/")
        if not slash:
            yield {"path": name, "is_dir": False, "file_size": blob.length}
        elif name not in folders:
            folders.add(name)
            yield {"path": name, "is_dir": True}
