"""Pass-through fields as a table: what a field is called in the spec, where it is in the REST document, how it is read.

What is observed of a document and what the entity of azure-ai-ml is given both follow from it; how differences are
treated is in the rules.yaml beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phift.kinds.shared.wire import seconds_of
from phift.state.ownership import user_tags

__all__ = ["TAGS", "Field", "Group", "arguments", "milliseconds", "observed", "plain"]


def plain(value: Any) -> Any:
    """The value as it is."""
    return value


def milliseconds(duration: str | None) -> float | None:
    """An ISO 8601 duration in milliseconds; None for none."""
    seconds = seconds_of(duration)
    return None if seconds is None else seconds * 1000


@dataclass(frozen=True)
class Field:
    """One field."""

    name: str
    """In the spec, and of the entity's argument."""
    path: str
    """In the REST document, dotted; in a group, below the group's."""
    read: Callable[[Any], Any] = plain
    """From the document's value, None where it has none, to the spec's."""
    build: Callable[[Any], Any] | None = plain
    """From the spec's value to the entity's argument; None where the kind gives that argument itself."""


@dataclass(frozen=True)
class Group:
    """Fields below one key of the spec, which the entity takes as one argument."""

    name: str
    path: str
    fields: tuple[Field, ...]
    build: Callable[[Mapping[str, Any]], Any]


TAGS = Field("tags", "tags", user_tags, build=None)
"""The tags of what the resource manager keeps; phift's own are added when it is written."""


def observed(fields: Sequence[Field | Group], raw: Mapping[str, Any]) -> dict[str, Any]:
    """A REST document in the vocabulary of the spec."""
    found: dict[str, Any] = {}
    for field in fields:
        value = _at(raw, field.path)
        found[field.name] = observed(field.fields, value or {}) if isinstance(field, Group) else field.read(value)
    return found


def arguments(fields: Sequence[Field | Group], properties: Mapping[str, Any]) -> dict[str, Any]:
    """The entity's arguments for what the spec sets."""
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
