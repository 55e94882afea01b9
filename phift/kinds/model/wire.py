"""model: a registered model, identified by the digest of its training or of its files, whatever its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.azure.operations import operation_of
from phift.azure.rest import Answer
from phift.digest import canonical_json
from phift.errors import AzureError, NotFoundError
from phift.kinds.context import Context
from phift.kinds.model.fields import TABLE
from phift.kinds.model.parts import FileParts, ModelObservation, ModelParts, ReferenceParts
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.timing import measured
from phift.kinds.shared.uploads import upload_folder
from phift.kinds.shared.versions import archive, version_labels, version_live, versions_in
from phift.kinds.shared.wire import READ, body_of, provisioning
from phift.state.desired import Desired
from phift.state.exports import PIPELINE_OUTPUT
from phift.state.live import Live, Previous
from phift.state.measured import MEASURED, Measured, measured_in
from phift.state.ownership import DIGEST, INPUTS, Ownership, inputs_in
from phift.state.states import Provisioning

__all__ = ["WRITE", "ModelWire"]

_Parts = ModelParts | FileParts | ReferenceParts

WRITE = "2023-08-01-preview"
"""The api-version azure-ai-ml 1.35 writes model versions with."""

_REGISTRY = "2021-10-01-dataplanepreview"
"""The api-version of registries on the data plane, as azure-ai-ml 1.35 requests them."""

_FOLDER = "phift/models/"
"""Folder of model files in the blob store of the workspace."""

_ATTEMPTS = 5
"""Maximum number of version numbers to skip because others took them meanwhile."""


class ModelWire:
    def read(self, context: Context, desired: Desired[_Parts]) -> ModelObservation:
        """Read the version with the desired digest, archived or not, and the newest version of this stack."""
        if isinstance(desired.parts, ReferenceParts):
            return self._read_reference(context, desired, desired.parts)
        versions = list(versions_in(context, f"models/{desired.name}"))
        found_versions = [self.live(context, desired, raw) for raw in versions]
        ours = [live for live in found_versions if live.ours]
        numbers = [int(v) for raw in versions if (v := str(raw.get("name", ""))).isdigit()]
        previous = Previous(ours[0].version, inputs_in(ours[0].marks)) if ours else None
        same = [live for live in found_versions if _is_of(live, desired)]
        names = (desired.stack, *desired.former)
        # A version with the name of this stack but another owner counts: a second version would hide the conflict.
        found = next((m for m in same if m.ours), None) or next(
            (m for m in same if m.owner.stack in names and not m.owner.copied), None
        )
        if found is None and desired.adopt:
            free = (
                m
                for m in found_versions
                if m.owner.ownership is Ownership.UNMARKED and m.state != Provisioning.ARCHIVED
            )
            found = next(free, None)
        earlier = tuple(
            (str(inputs_in(live.marks).get("base_model", "")), run) for live in ours if (run := measured_in(live.marks))
        )
        return ModelObservation(
            found, previous=previous, earlier=earlier, next_version=str(max(numbers, default=0) + 1)
        )

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(
        self, desired: Desired[_Parts], version: str, path: str, tags: Mapping[str, str], properties: Mapping[str, str]
    ) -> Any:
        from azure.ai.ml.entities import Model as ModelEntity

        return ModelEntity(
            name=desired.name,
            version=version,
            path=path,
            tags=dict(tags),
            properties=dict(properties),
            **arguments(TABLE, desired.properties),
        )

    def create(self, context: Context, desired: Desired[_Parts]) -> Written:
        source = self._source(context, desired)
        version = self.read(context, desired).next_version
        run = self._measured(context, desired)
        for attempt in range(_ATTEMPTS):
            try:
                answer = self._put(context, desired, version, source, None, run)
            except AzureError as error:
                # The path of a version cannot change: another writer took the number between our read and our write.
                if attempt + 1 == _ATTEMPTS or error.status != 400 or not self._exists(context, desired.name, version):
                    raise
                version = str(int(version) + 1)
            else:
                break
        outputs = {"name": desired.name, "version": version, "id": str(answer.body["id"])}
        return Written(outputs, operation_of(answer))

    def update(self, context: Context, desired: Desired[_Parts], live: Live) -> Written:
        answer = self._put(context, desired, live.version, str(live.raw["properties"]["modelUri"]), live)
        return Written({"name": desired.name, "version": live.version}, operation_of(answer))

    def delete(self, context: Context, desired: Desired[_Parts], live: Live) -> Written:
        return archive(context, self._path(context, desired.name, live.version), WRITE, live)

    def poll(self, context: Context, desired: Desired[_Parts], written: Written) -> Progress:
        """Report done when the list of versions contains it, as later reads use the list, which lags writes."""
        version = str(written.outputs["version"])
        raw = next((raw for raw in versions_in(context, f"models/{desired.name}") if raw["name"] == version), None)
        if raw is None:
            return Progress("Registering")
        return provisioning(context, raw, f"model {desired.name}:{version}", written.operation)

    def outputs(self, context: Context, desired: Desired[_Parts], live: Live) -> Mapping[str, Any]:
        return {"name": live.name, "version": live.version, "id": live.object_id}

    def _measured(self, context: Context, desired: Desired[_Parts]) -> Measured | None:
        """Return the times of the training that the version results from; None for other versions."""
        parts = desired.parts
        if not isinstance(parts, ModelParts):
            return None
        job = str(context.outputs[parts.run]["name"])
        return measured(context.azure, job, size=parts.size, nodes=parts.nodes, tokens=parts.tokens)

    def _source(self, context: Context, desired: Desired[_Parts]) -> str:
        """Return the URI of the files, after uploading local ones."""
        parts = desired.parts
        if isinstance(parts, ModelParts):
            return f"azureml://jobs/{context.outputs[parts.run]['name']}/outputs/{PIPELINE_OUTPUT}"
        if not isinstance(parts, FileParts):
            raise TypeError(f"{desired.address} is a reference and is never written")
        folder = parts.folder
        if folder is None:
            return parts.uri
        prefix = f"{_FOLDER}{folder.digest}"
        whole = prefix if folder.single else f"{prefix}/{folder.name}"
        upload_folder(context, folder, whole)
        return context.azure.blobs.uri(f"{whole}/{folder.name}" if folder.single else whole)

    def _put(
        self,
        context: Context,
        desired: Desired[_Parts],
        version: str,
        path: str,
        live: Live | None,
        run: Measured | None = None,
    ) -> Answer:
        """Write the version and return the answer. path: of the model files. run: to record; else unchanged."""
        where = self._path(context, desired.name, version)
        tags, bag = version_labels(context, desired, where, live)
        if text := run.text if run else live.marks.get(MEASURED) if live else None:
            tags = {**tags, MEASURED: text}
        body = body_of(context, desired, self.entity(desired, version, path, tags, bag))
        return context.azure.arm.put(where, WRITE, body)

    def _read_reference(self, context: Context, desired: Desired[_Parts], parts: ReferenceParts) -> ModelObservation:
        """Read an existing version of the workspace or of a registry."""
        registry, version = parts.registry, parts.version
        try:
            if registry:
                path = f"models/{desired.name}/versions/{version}"
                raw = context.azure.registry(registry).get(path, _REGISTRY)
            else:
                raw = context.azure.arm.get(self._path(context, desired.name, version), READ)
        except NotFoundError:
            return ModelObservation()
        return ModelObservation(self.live(context, desired, raw))

    def live(self, context: Context, desired: Desired[_Parts], raw: Mapping[str, Any]) -> Live:
        """Return the live object of the document of a version."""
        properties = raw["properties"]
        facts = {"job": properties.get("jobName"), "uri": properties.get("modelUri")}
        return version_live(context, desired, raw, observe=self.observe, facts=facts)

    def _exists(self, context: Context, name: str, version: str) -> bool:
        try:
            context.azure.arm.get(self._path(context, name, version), READ)
        except NotFoundError:
            return False
        return True

    def _path(self, context: Context, name: str, version: str) -> str:
        return f"{context.azure.workspace.arm_id}/models/{name}/versions/{version}"


def _is_of(live: Live, desired: Desired[_Parts]) -> bool:
    """Return whether the version is the result of the desired training.

    The digest is a tag, which anyone can remove; its inputs are a property, which cannot be changed.
    """
    if DIGEST not in live.marks and live.ours:
        return live.marks.get(INPUTS) == canonical_json(desired.inputs)
    return live.marks.get(DIGEST) == desired.digest
