"""The documents of the artifact service, with the keys that its public clients read (assumed: artifact_service)."""

from __future__ import annotations

from typing import Any

from phift.emulator.services.artifacts.state import Artifact, content_of
from phift.emulator.services.emulator import Emulator

__all__ = ["READ", "WRITE", "artifact_document", "content_document"]

READ, WRITE = "r", "rcw"
"""The permissions of a signature to read an artifact, and to upload one."""


def artifact_document(artifact: Artifact) -> dict[str, Any]:
    return {
        "artifactId": artifact.artifact_id,
        "origin": artifact.origin,
        "container": artifact.container,
        "path": artifact.path,
        "etag": artifact.etag or None,
        "createdTime": artifact.created,
        "dataPath": {
            "dataStoreName": artifact.datastore,
            "relativePath": artifact.relative_path,
            "sqlDataPath": None,
        },
        "tags": dict(artifact.tags),
    }


def content_document(emulator: Emulator, artifact: Artifact, permissions: str = READ) -> dict[str, Any]:
    """Where the content lies. permissions: of the signature in the URL, "" for a URL without one."""
    place = content_of(emulator, artifact)
    blobs = emulator.blobs
    return {
        "contentUri": blobs.sas_url(*place, permissions) if permissions else blobs.blob_url(*place),
        "origin": artifact.origin,
        "container": artifact.container,
        "path": artifact.path,
        "tags": dict(artifact.tags),
    }
