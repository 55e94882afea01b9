"""A model version in the words of `az ml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from phift.errors import UsageError
from phift.kinds.exporting import Created, Exported, Exporting, copied_folder, version
from phift.kinds.model.parts import FileParts, ModelObservation, ModelParts, ReferenceParts
from phift.kinds.model.wire import WRITE, ModelWire
from phift.kinds.shared.versions import version_labels
from phift.state.desired import Desired
from phift.state.exports import PIPELINE_OUTPUT

__all__ = ["export"]

_FOLDER = "model"


def export(
    exporting: Exporting, desired: Desired[ModelParts | FileParts | ReferenceParts], seen: ModelObservation | None
) -> Exported | None:
    """Return the files and commands of a model version; None for a reference.

    The number is that of the live version with the same digest, or the next one. Raises UsageError for a reference
    that does not exist.
    """
    context, parts, live = exporting.context, desired.parts, seen.live if seen else None
    if isinstance(parts, ReferenceParts):
        if live is None:
            raise UsageError(f"{desired.address}: {desired.name}:{parts.version} does not exist")
        registry = f"//registries/{parts.registry}/models/{desired.name}/versions/{parts.version}"
        exporting.versions[desired.address] = registry if parts.registry else f"{desired.name}:{parts.version}"
        return None
    number = live.version if live else seen.next_version if seen else "1"
    source, title, copies = _source(exporting, desired, parts, number)
    path = f"{context.azure.workspace.arm_id}/models/{desired.name}/versions/{number}"
    tags, bag = version_labels(context, desired, path, None)
    entity = ModelWire().entity(desired, number, source, tags, bag)
    select = ("--name", desired.name, "--version", number)
    how = Created("model", select, "model", "load_model", path, WRITE)
    return version(exporting, desired, how, (title,), entity, copies, {"path": source})


def _source(
    exporting: Exporting, desired: Desired[ModelParts | FileParts | ReferenceParts], parts: object, number: str
) -> tuple[str, str, Mapping[str, Path]]:
    """Return the path of the files, the title of the step, and the files to copy."""
    if isinstance(parts, ModelParts):
        job = exporting.versions[parts.run]
        return (
            f"azureml://jobs/{job}/outputs/{PIPELINE_OUTPUT}",
            f"The output of the job as {desired.name}:{number}.",
            {},
        )
    if not isinstance(parts, FileParts):
        raise TypeError(f"{desired.address} is a reference")
    title = f"The files of the model as {desired.name}:{number}."
    if parts.folder is None:
        return parts.uri, title, {}
    # The service keeps the name of the folder, or of the file, as the last part of the path.
    place = f"{_FOLDER}/{parts.folder.name}"
    return place, title, copied_folder(parts.folder, _FOLDER if parts.folder.single else place)
