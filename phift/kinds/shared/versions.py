"""What the kinds of asset versions share: labels, the live object, the list of versions, archiving."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from phift.azure.operations import operation_of
from phift.errors import NotFoundError
from phift.kinds.context import Context
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.wire import READ, live_of, marks_in, others_tags, own_marks, provisioning
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.ownership import APPLIED, DIGEST, INPUTS, PROTECT, TAGS
from phift.state.states import Provisioning

__all__ = ["DigestVersions", "archive", "version_labels", "version_live", "version_marks", "versions_in"]

_MOVING = (DIGEST, APPLIED, TAGS, PROTECT)


class DigestVersions:
    """What the wires of assets share whose version is the digest of the resource.

    collection: of the workspace, in paths. noun: for messages. api_version: of writes.
    """

    collection: ClassVar[str]
    noun: ClassVar[str]
    api_version: ClassVar[str]

    def delete(self, context: Context, desired: Desired[Any], live: Live) -> Written:
        return archive(context, self._path(context, desired), self.api_version, live)

    def poll(self, context: Context, desired: Desired[Any], written: Written) -> Progress:
        raw = context.azure.arm.get(self._path(context, desired), READ)
        return provisioning(context, raw, f"{self.noun} {desired.name}:{desired.digest}", written.operation)

    def _write(self, context: Context, desired: Desired[Any], body: Mapping[str, Any]) -> Written:
        answer = context.azure.arm.put(self._path(context, desired), self.api_version, body)
        return Written({"name": desired.name, "version": desired.digest}, operation_of(answer))

    def _path(self, context: Context, desired: Desired[Any]) -> str:
        return f"{context.azure.workspace.arm_id}/{self.collection}/{desired.name}/versions/{desired.digest}"


def versions_in(context: Context, container: str) -> Iterator[dict[str, Any]]:
    """Yield the versions of an asset, archived or not, the newest first; none if there is no such asset.

    container: the path below the workspace, such as `models/NAME`. Raises AzureError.
    """
    path = f"{context.azure.workspace.arm_id}/{container}/versions"
    try:
        yield from context.azure.arm.list(path, READ, listViewType="All", **{"$orderBy": "createdtime desc"})
    except NotFoundError:
        return


def version_marks(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the marks of the document of a version: its properties, and its tags, which a later apply can change."""
    properties = raw["properties"]
    return {**marks_in(properties.get("properties")), **marks_in(properties.get("tags"))}


def version_live(
    context: Context,
    desired: Desired[Any],
    raw: Mapping[str, Any],
    *,
    observe: Callable[[Mapping[str, Any]], dict[str, Any]],
    facts: Mapping[str, Any],
) -> Live:
    """Return the live object of the document of a version, with its ownership."""
    properties = raw["properties"]
    return live_of(
        context,
        desired,
        raw,
        marks=version_marks(raw),
        observe=observe,
        state=Provisioning.ARCHIVED if properties.get("isArchived") else Provisioning.SUCCEEDED,
        version=str(raw.get("name", "")),
        facts=facts,
    )


def archive(context: Context, path: str, api_version: str, live: Live) -> Written:
    """Archive a version, which cannot be deleted. Raises AzureError."""
    body = {"properties": {**live.raw["properties"], "isArchived": True}}
    return Written(operation=operation_of(context.azure.arm.put(path, api_version, body)))


def _written_marks(
    context: Context, desired: Desired[Any], object_id: str, live: Live | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the marks of an asset version, as tags and as properties.

    Tags of a version can be changed; properties can only be set at creation (error text of the service: "Only tags,
    description, and isArchived can be updated"). Marks that a later apply can change are therefore tags.
    """
    marks = own_marks(context, desired, object_id, live)
    tags = {name: marks.pop(name) for name in _MOVING if name in marks}
    return tags, marks


def version_labels(
    context: Context, desired: Desired[Any], object_id: str, live: Live | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the tags and the property bag of a version to write.

    live: the version, if it exists. Its bag is unchanged; marks that differ from those in the bag are written as tags.
    Tags of others are kept.
    """
    own = dict(desired.properties.get("tags") or {})
    tags, marks = _written_marks(context, desired, object_id, live)
    if live is None:
        return {**own, **tags}, marks
    properties = live.raw["properties"]
    bag = {name: str(value) for name, value in (properties.get("properties") or {}).items()}
    moved = {name: value for name, value in marks.items() if name != INPUTS and bag.get(name) != value}
    return {**others_tags(live, properties.get("tags"), own), **own, **tags, **moved}, bag
