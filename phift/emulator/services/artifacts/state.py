"""The artifacts of a container: what is under its prefix in the artifact store, and what was announced there.

An artifact that a client announces before it uploads the content (batch/metadata) is a document of its own until then,
as the upload must not find a blob in its place. One that was registered with a data path is in another datastore.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.emulator.core.documents import timestamp
from phift.emulator.services.assets.locations import ARTIFACT_STORE, container_of
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER
from phift.emulator.services.blob.model import seconds_of
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.documents import moment

__all__ = ["Artifact", "announce", "artifacts_in", "content_of", "find_artifact"]

_KIND = "artifact"


@dataclass(frozen=True)
class Artifact:
    """One file of a container. created: ISO 8601. datastore, relative_path: where its content lies."""

    origin: str
    container: str
    path: str
    created: str
    etag: str
    datastore: str
    relative_path: str
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifact_id(self) -> str:
        return f"{self.origin}/{self.container}/{self.path}"


def artifacts_in(emulator: Emulator, origin: str, container: str, prefix: str = "") -> Iterator[Artifact]:
    """All artifacts of a container whose paths begin with the prefix, in order of their paths."""
    base = f"{origin}/{container}/"
    found = {
        path: _of_document(document)
        for document in emulator.store.list(_KIND, origin, container)
        if (path := str(document["path"])).startswith(prefix)
    }
    for blob in emulator.blobs.list(ARTIFACT_CONTAINER, base + prefix):
        path = blob.name.removeprefix(base)
        found[path] = _of_blob(origin, container, path, blob.created, blob.etag, found.get(path))
    yield from (found[path] for path in sorted(found))


def find_artifact(emulator: Emulator, origin: str, container: str, path: str) -> Artifact | None:
    document = emulator.store.get(_KIND, origin, container, path)
    announced = None if document is None else _of_document(document)
    blob = emulator.blobs.store.find(ARTIFACT_CONTAINER, f"{origin}/{container}/{path}")
    if blob is None:
        return announced
    return _of_blob(origin, container, path, blob.created, blob.etag, announced)


def announce(
    emulator: Emulator, origin: str, container: str, path: str, tags: Mapping[str, str], data_path: Mapping[str, Any]
) -> Artifact:
    """Keep an artifact before its content is there. data_path: the datastore and relative path of content that is in
    another place, {} for the artifact store."""
    document = {
        "origin": origin,
        "container": container,
        "path": path,
        "created": timestamp(),
        "tags": dict(tags),
        "dataStoreName": str(data_path.get("dataStoreName") or ARTIFACT_STORE),
        "relativePath": str(data_path.get("relativePath") or f"{origin}/{container}/{path}"),
    }
    emulator.store.put(_KIND, origin, container, path, body=document)
    return _of_document(document)


def content_of(emulator: Emulator, artifact: Artifact) -> tuple[str, str]:
    """(blob container, blob name) of the content; raises ServiceError 404 for a datastore that does not exist."""
    return container_of(emulator, artifact.datastore), artifact.relative_path


def _of_blob(origin: str, container: str, path: str, created: int, etag: str, announced: Artifact | None) -> Artifact:
    return Artifact(
        origin,
        container,
        path,
        announced.created if announced else moment(seconds_of(created)) or "",
        etag,
        ARTIFACT_STORE,
        f"{origin}/{container}/{path}",
        announced.tags if announced else {},
    )


def _of_document(document: Mapping[str, Any]) -> Artifact:
    return Artifact(
        str(document["origin"]),
        str(document["container"]),
        str(document["path"]),
        str(document["created"]),
        "",
        str(document["dataStoreName"]),
        str(document["relativePath"]),
        document["tags"],
    )
