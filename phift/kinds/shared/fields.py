"""Tables of pass-through fields: name in the spec, path in the REST document, conversion.

A table defines what is observed of a document and the arguments of the azure-ai-ml entity. The treatment of differences
is in rules.yaml of the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phift.kinds.shared.wire import seconds_of
from phift.state.ownership import user_tags

__all__ = ["TAGS", "Field", "Group", "arguments", "milliseconds", "observed", "plain"]


def plain(value: Any) -> Any:
    """Return the value unchanged."""
    return value


def milliseconds(duration: str | None) -> float | None:
    """Convert an ISO 8601 duration to milliseconds."""
    seconds = seconds_of(duration)
    return None if seconds is None else seconds * 1000


@dataclass(frozen=True)
class Field:
    """A field."""

    name: str
    """Name in the spec, and of the argument of the entity."""
    path: str
    """Dotted path in the REST document; in a group, relative to that of the group."""
    read: Callable[[Any], Any] = plain
    """Converts the value of the document (None if missing) to that of the spec."""
    build: Callable[[Any], Any] | None = plain
    """Converts the value of the spec to the argument of the entity; None if the kind sets the argument itself."""


@dataclass(frozen=True)
class Group:
    """Fields below one key of the spec, passed to the entity as one argument. build: None if the kind sets it."""

    name: str
    path: str
    fields: tuple[Field, ...]
    build: Callable[[Mapping[str, Any]], Any] | None


TAGS = Field("tags", "tags", user_tags, build=None)
"""The tags of an ARM resource; phift's own are added when it is written."""


def observed(fields: Sequence[Field | Group], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a REST document to the names of the spec."""
    found: dict[str, Any] = {}
    for field in fields:
        value = _at(raw, field.path)
        found[field.name] = observed(field.fields, value or {}) if isinstance(field, Group) else field.read(value)
    return found


def arguments(fields: Sequence[Field | Group], properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the entity for the values of the spec."""
    return {
        field.name: field.build(value)
        for field in fields
        if field.build is not None and (value := properties.get(field.name)) not in (None, {})
    }


def _at(raw: Mapping[str, Any], path: str) -> Any:
    value: Any = raw
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
