"""Import: from the document of a live object to the block of a spec that describes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.concealing import is_secret
from phift.state.rules import Behaviour, rules_of

__all__ = ["ImportedBlock", "differing", "without_secrets"]


@dataclass(frozen=True)
class ImportedBlock:
    """A block of a spec. values: with the keys of the file, in the order of the docs. notes: for the author of the
    spec, such as what the block leaves out. refusals: why the object cannot be imported."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def without_secrets(texts: Mapping[str, Any], what: str) -> tuple[dict[str, str], list[str]]:
    """Return tags or properties without those that look like secrets, and a note for each of these. An update of phift
    does not change tags and properties that the spec does not contain. what: "tag" or "property"."""
    kept = {name: str(value) for name, value in texts.items() if not is_secret(name, str(value))}
    left = [
        f"{what} {name} looks like a secret: left out; phift does not change it" for name in texts if name not in kept
    ]
    return kept, left


def differing(kind: str, name: str, observed: Mapping[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Return the whole numbers of a group that differ from the service's defaults, and the names of fields whose values
    are not whole numbers, which the spec does not have."""
    found, odd = {}, []
    for key, value in observed.items():
        if value is None or value in _defaults(kind, f"{name}.{key}"):
            continue
        if isinstance(value, int | float) and value == int(value) and value >= 1:
            found[key] = int(value)
        else:
            odd.append(f"{name}.{key}")
    return found, odd


def _defaults(kind: str, path: str) -> Iterator[Any]:
    return (rule.value for rule in rules_of(kind) if rule.behaviour is Behaviour.DEFAULT and rule.covers(path))
