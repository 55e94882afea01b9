"""The artifact service as azureml-mlflow, azureml-core and raw REST programs ask it, and run history's view of it.

Newer clients send the path as a parameter, older ones as the end of the URL. Deletes, locks, archives and queries by
tag are not there (501).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import lenient_object
from phift.emulator.services.artifacts.documents import READ, WRITE, artifact_document, content_document
from phift.emulator.services.artifacts.state import Artifact, announce, artifacts_in, content_of, find_artifact
from phift.emulator.services.assets.locations import container_of
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.jobs.record import find_run

__all__ = ["ROUTES"]

_PAGE, _MOST = 500, 1000
_CHUNK = 1 << 20
_RUNS = "ExperimentRun"

Document = Callable[[Artifact], dict[str, Any]]


async def list_artifacts(call: Call) -> Response:
    """In order of their paths, in pages; a container that does not exist is empty (field reports)."""
    return _page(call, artifact_document)


async def list_contents(call: Call) -> Response:
    """The artifacts under a prefix, each with a URL to read it."""
    return _page(call, partial(content_document, call.emulator, permissions=READ))


async def list_storage(call: Call) -> Response:
    """The artifacts under a prefix, each with its URL without a signature."""
    return _page(call, partial(content_document, call.emulator, permissions=""))


async def get_metadata(call: Call) -> Response:
    return reply(artifact_document(_existing(call)))


async def get_content_information(call: Call) -> Response:
    return reply(content_document(call.emulator, _existing(call), READ))


async def get_storage_information(call: Call) -> Response:
    return reply(content_document(call.emulator, _existing(call), ""))


async def get_upload_information(call: Call) -> Response:
    return reply(content_document(call.emulator, _existing(call), WRITE))


async def get_uri(call: Call) -> Response:
    """The signed URL alone, as a JSON text."""
    return reply(content_document(call.emulator, _existing(call))["contentUri"])


async def download(call: Call) -> Response:
    artifact = _existing(call)
    container, name = content_of(call.emulator, artifact)
    if not call.emulator.blobs.exists(container, name):
        raise _not_found(artifact.artifact_id)
    stream = call.emulator.blobs.open(container, name)

    def chunks() -> Iterator[bytes]:
        with stream:
            while data := stream.read(_CHUNK):
                yield data

    return StreamingResponse(chunks(), media_type="application/octet-stream")


async def upload(call: Call) -> Response:
    """The body as the content of an artifact: appended to it, in its place where that is allowed, or as a new one."""
    origin, container, path = _address(call)
    body = await call.request.body()
    name = f"{origin}/{container}/{path}"
    if _flag(call, "append"):
        call.emulator.blobs.append(ARTIFACT_CONTAINER, name, body)
    else:
        if call.emulator.blobs.exists(ARTIFACT_CONTAINER, name) and not _flag(call, "allowOverwrite"):
            raise ServiceError(409, "UserError", _taken(name), inner=("Conflict",))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "content"
            file.write_bytes(body)
            await call.emulator.blobs.put_file(ARTIFACT_CONTAINER, name, file)
    return reply(artifact_document(_existing(call)))


async def create(call: Call) -> Response:
    """Register an artifact whose content is, or will be, in the place that its data path names."""
    body = await lenient_object(call, "Artifact")
    origin, container, path = (str(body.get(name) or "") for name in ("origin", "container", "path"))
    if not (origin and container and path):
        raise ServiceError(400, "UserError", "An artifact needs origin, container and path.", inner=("BadArgument",))
    data_path = body.get("dataPath") or {}
    if store := data_path.get("dataStoreName"):
        container_of(call.emulator, store)  # must be there
    return reply(artifact_document(announce(call.emulator, origin, container, path, body.get("tags") or {}, data_path)))


async def create_empty(call: Call) -> Response:
    """Announce artifacts, each with a URL to upload its content; those that exist already are errors of their own."""
    body = await lenient_object(call, "ArtifactPathList")
    origin, container = _container(call)
    result = _Batch(call.emulator, WRITE)
    for item in body.get("paths") or []:
        path = str(item.get("path") or "")
        if not path:
            raise ServiceError(400, "UserError", "Each of the paths needs a path.", inner=("BadArgument",))
        if find_artifact(call.emulator, origin, container, path) is not None:
            result.fails(path, ServiceError(409, "UserError", _taken(f"{origin}/{container}/{path}")))
        else:
            result.add(path, announce(call.emulator, origin, container, path, item.get("tags") or {}, {}))
    return reply(result.document)


async def get_by_ids(call: Call) -> Response:
    """The artifacts with these ids, each with a URL to read it."""
    return await _by_ids(call, READ)


async def get_storage_by_ids(call: Call) -> Response:
    """The artifacts with these ids, each with its URL without a signature."""
    return await _by_ids(call, "")


async def _by_ids(call: Call, permissions: str) -> Response:
    body = await lenient_object(call, "ArtifactIdList")
    result = _Batch(call.emulator, permissions)
    for identifier in map(str, body.get("artifactIds") or []):
        parts = identifier.split("/", 2)
        artifact = find_artifact(call.emulator, *parts) if len(parts) == len(("origin", "container", "path")) else None
        if artifact is None:
            result.fails(identifier, _not_found(identifier))
        else:
            result.add(identifier, artifact)
    return reply(result.document)


class _Batch:
    """The answer to a request for several artifacts. permissions: of the URLs in it."""

    def __init__(self, emulator: Emulator, permissions: str) -> None:
        self._emulator = emulator
        self._permissions = permissions
        self._artifacts: dict[str, Any] = {}
        self._contents: dict[str, Any] = {}
        self._errors: dict[str, Any] = {}

    @property
    def document(self) -> dict[str, Any]:
        return {
            "artifacts": self._artifacts,
            "artifactContentInformation": self._contents,
            "errors": self._errors,
        }

    def add(self, key: str, artifact: Artifact) -> None:
        self._artifacts[key] = artifact_document(artifact)
        self._contents[key] = content_document(self._emulator, artifact, self._permissions)

    def fails(self, key: str, error: ServiceError) -> None:
        self._errors[key] = {"error": {"code": error.code, "message": error.message, "details": []}}


def _container(call: Call) -> tuple[str, str]:
    """Origin and container: of the path, or those in which a run keeps its files. Raises ServiceError 404 for a run
    that does not exist."""
    if "origin" in call.params:
        return call.params["origin"], call.params["container"]
    run_id = call.params["run"]
    run = find_run(call.emulator.store, run_id)
    if run is None:
        raise ServiceError(404, "UserError", f"Run {run_id} was not found", inner=("NotFound", "RunNotFound"))
    return _RUNS, f"dcid.{run.reused or run.run_id}"


def _address(call: Call) -> tuple[str, str, str]:
    path = call.params.get("path") or call.query("path")
    if not path:
        raise ServiceError(400, "UserError", "The parameter path is missing.", target="path", inner=("BadArgument",))
    return *_container(call), path


def _existing(call: Call) -> Artifact:
    origin, container, path = _address(call)
    artifact = find_artifact(call.emulator, origin, container, path)
    if artifact is None:
        raise _not_found(f"{origin}/{container}/{path}")
    return artifact


def _not_found(artifact_id: str) -> ServiceError:
    """(assumed: artifact_service)"""
    return ServiceError(404, "UserError", f"ArtifactId {artifact_id} was not found.", inner=("NotFound",))


def _taken(artifact_id: str) -> str:
    """As field reports from 2019 to 2025 quote it."""
    return f"Resource Conflict: ArtifactId {artifact_id} already exists."


def _flag(call: Call, name: str) -> bool:
    return call.query(name).lower() == "true"


def _page(call: Call, document: Document) -> Response:
    """The page after the artifact that continuationToken names, of pageSize artifacts."""
    origin, container = _container(call)
    prefix = call.params.get("path") or call.query("path")
    size = min(call.number("pageSize") or _PAGE, _MOST)
    after = call.query("continuationToken")
    every: Iterable[Artifact] = artifacts_in(call.emulator, origin, container, prefix)
    found = list(islice((each for each in every if each.path > after), size + 1))
    more = found[size - 1].path if len(found) > size else None
    pairs = [(key, value) for key, value in call.request.query_params.multi_items() if key != "continuationToken"]
    query = urlencode([*pairs, ("continuationToken", more or "")])
    return reply(
        {
            "value": [document(artifact) for artifact in found[:size]],
            "continuationToken": more,
            "nextLink": f"https://{call.hostname}{call.request.url.path}?{query}" if more else None,
        }
    )


_GET: tuple[tuple[str, Any], ...] = (
    ("", list_artifacts),
    ("metadata", get_metadata),
    ("content", download),
    ("contentinfo", get_content_information),
    ("contentinfo/storageuri", get_storage_information),
    ("write", get_upload_information),
    ("prefix/contentinfo", list_contents),
    ("prefix/contentinfo/storageuri", list_storage),
)
_OF_RUN: tuple[tuple[str, Any], ...] = (
    ("", list_artifacts),
    ("path", list_artifacts),
    ("metadata", get_metadata),
    ("contentinfo", get_content_information),
    ("artifacturi", get_uri),
    ("prefix/contentinfo", list_contents),
)


def _of_version(version: str) -> Iterator[Route]:
    base = f"/artifact/{version}{WS}/artifacts"
    one = "/{origin}/{container}"
    for end, handler in _GET:
        # as clients of today, and as those that send the path in the URL
        yield Route(Host.DATA_PLANE, "GET", f"{base}{one}" + (f"/{end}" if end else ""), handler)
        yield Route(Host.DATA_PLANE, "GET", (f"{base}/{end}" if end else base) + one + "/{path:path}", handler)
    yield Route(Host.DATA_PLANE, "POST", f"{base}{one}/content", upload)
    yield Route(Host.DATA_PLANE, "POST", f"{base}/content{one}/{{path:path}}", upload)
    yield Route(Host.DATA_PLANE, "POST", f"{base}{one}/batch/metadata", create_empty)
    yield Route(Host.DATA_PLANE, "POST", f"{base}/batch/metadata{one}", create_empty)
    yield Route(Host.DATA_PLANE, "POST", f"{base}/metadata", create)
    yield Route(Host.DATA_PLANE, "POST", f"{base}/register", create)
    yield Route(Host.DATA_PLANE, "POST", f"{base}/batch/metadata", get_by_ids)
    yield Route(Host.DATA_PLANE, "POST", f"{base}/storageuri/batch/metadata", get_storage_by_ids)


def _of_runs() -> Iterator[Route]:
    for experiment in ("experiments", "experimentids"):
        base = f"/history/v1.0{WS}/{experiment}/{{experiment}}/runs/{{run}}/artifacts"
        for end, handler in _OF_RUN:
            yield Route(Host.DATA_PLANE, "GET", base + (f"/{end}" if end else ""), handler)
            if end:
                yield Route(Host.DATA_PLANE, "GET", f"{base}/{end}/{{path:path}}", handler)
        yield Route(Host.DATA_PLANE, "POST", base + "/batch/metadata", create_empty)


ROUTES = (*_of_version("v1.0"), *_of_version("v2.0"), *_of_runs())
