"""code: a code asset whose version is the digest of its content; the files are stored under that digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.errors import AzureError, NotFoundError
from phift.folders import Folder
from phift.kinds.code.fields import TABLE
from phift.kinds.code.parts import CodeParts
from phift.kinds.context import Context
from phift.kinds.progress import Written
from phift.kinds.shared.fields import observed
from phift.kinds.shared.uploads import upload_folder
from phift.kinds.shared.versions import DigestVersions, version_labels, version_live
from phift.kinds.shared.wire import READ, body_of, merged
from phift.state.desired import Desired
from phift.state.live import Live, Observation

__all__ = ["CodeWire"]

_FOLDER = "phift/code/"
"""Folder of code in the blob store of the workspace."""


class CodeWire(DigestVersions):
    collection = "codes"
    noun = "code"
    api_version = "2023-04-01"
    """With which azure-ai-ml 1.35 writes code versions."""

    def read(self, context: Context, desired: Desired[CodeParts]) -> Observation:
        if not desired.digest:
            return Observation()
        try:
            raw = context.azure.arm.get(self._path(context, desired), READ)
        except NotFoundError:
            return Observation()
        facts = {"uri": raw["properties"].get("codeUri")}
        return Observation(version_live(context, desired, raw, observe=self.observe, facts=facts))

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(self, desired: Desired[CodeParts], uri: str) -> Any:
        from phift.azure import entities

        return entities.code(desired.name, desired.digest, uri)

    def create(self, context: Context, desired: Desired[CodeParts]) -> Written:
        folder = desired.parts.folder
        if folder is None:
            raise AzureError(f"the folder of {desired.address} is not available", address=str(desired.address))
        prefix = self.prefix(folder)
        upload_folder(context, folder, prefix)
        return self._put(context, desired, context.azure.blobs.url(prefix), None)

    def update(self, context: Context, desired: Desired[CodeParts], live: Live) -> Written:
        return self._put(context, desired, str(live.raw["properties"]["codeUri"]), live)

    def outputs(self, context: Context, desired: Desired[CodeParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "version": live.version, "id": live.object_id}

    def prefix(self, folder: Folder) -> str:
        """Return the folder of the files in the blob store of the workspace."""
        return f"{_FOLDER}{folder.digest}"

    def body(
        self, context: Context, desired: Desired[CodeParts], uri: str, tags: Mapping[str, str], bag: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return the request body. The entity has no tags, and properties of its own only."""
        labels = {"properties": {"tags": dict(tags), "properties": dict(bag)}}
        return merged(body_of(context, desired, self.entity(desired, uri)), labels)

    def _put(self, context: Context, desired: Desired[CodeParts], uri: str, live: Live | None) -> Written:
        tags, bag = version_labels(context, desired, self._path(context, desired), live)
        return self._write(context, desired, self.body(context, desired, uri, tags, bag))
