"""data: a uri_file asset whose version is the digest of its recipe; the rows are stored under the digest of their
content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phift.azure.blob_content import CHANGED
from phift.azure.blob_content import DIGEST as UPLOADED
from phift.data.recipe import Recipe
from phift.errors import AzureError, InvalidSpecError, NotFoundError, RefusedError
from phift.kinds.context import Context
from phift.kinds.data.fields import TABLE
from phift.kinds.data.parts import DataParts
from phift.kinds.data.progress import DataProgress
from phift.kinds.progress import Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.versions import DigestVersions, version_labels, version_live, versions_in
from phift.kinds.shared.wire import READ, body_of
from phift.state.desired import Desired
from phift.state.live import Live, Observation

if TYPE_CHECKING:
    from phift.data.prepare import Prepared

__all__ = ["DataWire", "facts_of"]

CONTENT = "phift.content"
ROWS = "phift.rows"
SKIPPED = "phift.skipped"
"""Number of skipped rows by problem: CODE=COUNT,..."""
REVISION = "phift.source_revision"
"""Commit of the data set on the hub."""
_FOLDER = "phift/data/"
"""Folder of prepared rows in the blob store of the workspace."""


class DataWire(DigestVersions):
    collection = "data"
    noun = "data"
    api_version = "2023-04-01-preview"
    """With which azure-ai-ml 1.35 writes data versions."""

    def read(self, context: Context, desired: Desired[DataParts]) -> Observation:
        try:
            raw = context.azure.arm.get(self._path(context, desired), READ)
        except NotFoundError:
            return Observation()
        return Observation(self._live(context, desired, raw))

    def _live(self, context: Context, desired: Desired[DataParts], raw: Mapping[str, Any]) -> Live:
        properties = raw["properties"]
        bag = properties.get("properties") or {}
        facts = {"uri": properties.get("dataUri"), "rows": bag.get(ROWS), "content": bag.get(CONTENT)}
        return version_live(context, desired, raw, observe=self.observe, facts=facts)

    def newest(self, context: Context, desired: Desired[DataParts]) -> Live | None:
        """Return the newest version of the name that this stack owns, or None. Raises AzureError."""
        versions = (self._live(context, desired, raw) for raw in versions_in(context, f"data/{desired.name}"))
        return next((live for live in versions if live.ours), None)

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(
        self, desired: Desired[DataParts], uri: str, tags: Mapping[str, str], properties: Mapping[str, str]
    ) -> Any:
        from azure.ai.ml.entities import Data as DataEntity

        return DataEntity(
            name=desired.name,
            version=desired.digest,
            path=uri,
            tags=dict(tags),
            properties=dict(properties),
            **arguments(TABLE, desired.properties),
        )

    def create(self, context: Context, desired: Desired[DataParts]) -> Written:
        blob, facts = self._upload(context, desired)
        return self._put(context, desired, context.azure.blobs.uri(blob), None, facts)

    def update(self, context: Context, desired: Desired[DataParts], live: Live) -> Written:
        """Update the version. Raises AzureError if a deleted file cannot be restored with the same content."""
        if not self.stored(context, live):
            blob, facts = self._upload(context, desired)
            if (content := _bag(live).get(CONTENT)) and facts[CONTENT] != content:
                raise AzureError(
                    f"the file of data {live.name}:{live.version} was deleted, and the rows prepared now differ",
                    detail=f"A version cannot change its content: SHA-256 {content}, now {facts[CONTENT]}.",
                    remedy="Restore the deleted blob, or change data.take or data.seed to create a new version.",
                    address=str(desired.address),
                )
            return self._put(context, desired, context.azure.blobs.uri(blob), live, {})
        return self._put(context, desired, _uri(live), live, {})

    def stored(self, context: Context, live: Live) -> bool:
        """Return whether the file of a version of this stack exists as uploaded. Raises AzureError."""
        _, _, blob = _uri(live).partition("/paths/")
        if not blob.startswith(_FOLDER):
            return True  # a file that phift did not upload
        found = context.azure.blobs.head(blob)
        if found is None:
            return False
        digest = (found.get("metadata") or {}).get(UPLOADED)
        return digest is None or digest == _bag(live).get(CONTENT)

    def _upload(self, context: Context, desired: Desired[DataParts]) -> tuple[str, dict[str, str]]:
        """Upload the prepared rows. Return the blob and its properties."""
        recipe = desired.parts.recipe
        if recipe is None:
            raise AzureError(f"the source of {desired.address} cannot be identified", address=str(desired.address))
        rows = self._stored_rows(context, desired, recipe)
        blob, facts = _blob(desired, rows), facts_of(recipe, rows)
        return blob, facts

    def _stored_rows(self, context: Context, desired: Desired[DataParts], recipe: Recipe) -> Prepared:
        """Return the prepared rows after the upload. Prepares a damaged cache file again."""
        from phift.data.cache import forget, prepared
        from phift.data.rows import Access

        progress = DataProgress(recipe, context.report)
        access = Access(downloading=progress.downloading, waiting=progress.waiting)
        for again in (True, False):
            progress.begin()
            try:
                rows = prepared(recipe, progress=progress.preparing, access=access)
            except InvalidSpecError as error:
                raise RefusedError(error.diagnostics) from None  # before anything was uploaded
            try:
                blobs = context.azure.blobs
                blobs.upload(rows.path, _blob(desired, rows), progress=progress.uploading, digest=rows.digest)
                break
            except AzureError as error:
                if error.code != CHANGED or not again:
                    raise
                forget(recipe)
        return rows

    def outputs(self, context: Context, desired: Desired[DataParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "version": live.version, "uri": _uri(live), "rows": _bag(live).get(ROWS)}

    def _put(
        self, context: Context, desired: Desired[DataParts], uri: str, live: Live | None, facts: Mapping[str, str]
    ) -> Written:
        path = self._path(context, desired)
        tags, bag = version_labels(context, desired, path, live)
        body = body_of(context, desired, self.entity(desired, uri, tags, {**facts, **bag}))
        return self._write(context, desired, body)


def facts_of(recipe: Recipe, rows: Prepared) -> dict[str, str]:
    """Return the properties of a version with these rows."""
    facts = {CONTENT: rows.digest, ROWS: str(rows.rows)}
    if rows.skipped:
        facts[SKIPPED] = ",".join(f"{code}={count}" for code, count in rows.skipped)
    if recipe.identity.hub is not None:
        facts[REVISION] = recipe.identity.hub.revision
    return facts


def _blob(desired: Desired[DataParts], rows: Prepared) -> str:
    return f"{_FOLDER}{rows.digest}/{desired.address.name}.jsonl"


def _bag(live: Live) -> Mapping[str, Any]:
    """Return the property bag of a version."""
    return live.raw["properties"].get("properties") or {}


def _uri(live: Live) -> str:
    return str(live.raw["properties"].get("dataUri") or "")
