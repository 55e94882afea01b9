"""environment: an environment asset whose version is the digest of its content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.errors import AzureError, NotFoundError
from phift.kinds.context import Context
from phift.kinds.environment.fields import TABLE
from phift.kinds.environment.parts import EnvironmentParts
from phift.kinds.progress import Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.uploads import upload_folder
from phift.kinds.shared.versions import DigestVersions, version_labels, version_live
from phift.kinds.shared.wire import READ, body_of
from phift.state.desired import Desired
from phift.state.live import Live, Observation

__all__ = ["EnvironmentWire"]

_FOLDER = "phift/build/"
"""Folder of build contexts in the blob store of the workspace."""


class EnvironmentWire(DigestVersions):
    collection = "environments"
    noun = "environment"
    api_version = "2023-04-01-preview"
    """With which azure-ai-ml 1.35 writes environment versions."""

    def read(self, context: Context, desired: Desired[EnvironmentParts]) -> Observation:
        try:
            raw = context.azure.arm.get(self._path(context, desired), READ)
        except NotFoundError:
            return Observation()
        properties = raw["properties"]
        facts = {"image": properties.get("image") or (properties.get("build") or {}).get("contextUri")}
        return Observation(version_live(context, desired, raw, observe=self.observe, facts=facts))

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(
        self, desired: Desired[EnvironmentParts], context_uri: str, tags: Mapping[str, str], bag: Mapping[str, str]
    ) -> Any:
        from azure.ai.ml.entities import BuildContext, Environment

        parts = desired.parts
        return Environment(
            name=desired.name,
            version=desired.digest,
            image=parts.image or None,
            build=BuildContext(path=context_uri, dockerfile_path=parts.dockerfile) if context_uri else None,
            conda_file=dict(parts.conda) if parts.conda is not None else None,
            inference_config=dict(parts.routes) if parts.routes else None,
            tags=dict(tags),
            properties=dict(bag),
            **arguments(TABLE, desired.properties),
        )

    def create(self, context: Context, desired: Desired[EnvironmentParts]) -> Written:
        build, uri = desired.parts.build, ""
        if desired.parts.dockerfile:
            if build is None:
                raise AzureError(f"the build context of {desired.address} is not available")
            prefix = f"{_FOLDER}{build.digest}"
            upload_folder(context, build, prefix)
            uri = context.azure.blobs.url(prefix)
        return self._put(context, desired, uri, None)

    def update(self, context: Context, desired: Desired[EnvironmentParts], live: Live) -> Written:
        """Update tags and description, or restore the version. Its content cannot change."""
        build = live.raw["properties"].get("build") or {}
        return self._put(context, desired, str(build.get("contextUri") or ""), live)

    def outputs(self, context: Context, desired: Desired[EnvironmentParts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "version": live.version, "id": live.object_id}

    def _put(
        self, context: Context, desired: Desired[EnvironmentParts], context_uri: str, live: Live | None
    ) -> Written:
        path = self._path(context, desired)
        tags, bag = version_labels(context, desired, path, live)
        body = body_of(context, desired, self.entity(desired, context_uri, tags, bag))
        return self._write(context, desired, body)
