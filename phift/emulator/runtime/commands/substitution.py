"""The expressions of a command: `${{inputs.x}}`, `${{outputs.x}}`, `${{search_space.x}}` and `$[[...]]`.

A section in `$[[...]]` is kept if every expression in it has a value, and removed otherwise. Values are inserted
unchanged, without quotes, as on the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Reference", "references", "substitute"]

_REFERENCE = re.compile(r"\$\{\{\s*(?P<side>inputs|outputs|search_space)\.(?P<name>[A-Za-z0-9_.-]+)\s*\}\}")
_SECTION = re.compile(r"\$\[\[(?P<text>.*?)\]\]", re.DOTALL)
_PATH = ".path"

Values = Mapping[str, Mapping[str, str]]
"""Values by side (inputs, outputs, search_space) and name."""


@dataclass(frozen=True)
class Reference:
    """An expression of a command. side: inputs, outputs or search_space. optional: it is in a section `$[[...]]`."""

    side: str
    name: str
    optional: bool = False


def references(command: str) -> list[Reference]:
    """Return the expressions of a command in their order; those of optional sections come last."""
    plain = _SECTION.sub("", command)
    found = [Reference(each["side"], _name(each)) for each in _REFERENCE.finditer(plain)]
    sections = (section["text"] for section in _SECTION.finditer(command))
    return found + [
        Reference(each["side"], _name(each), optional=True)
        for section in sections
        for each in _REFERENCE.finditer(section)
    ]


def substitute(command: str, values: Values) -> str:
    """Return the command with its values. Raises KeyError for an expression outside of `$[[...]]` without a value."""

    def section(found: re.Match[str]) -> str:
        known = all(_name(each) in values.get(each["side"], {}) for each in _REFERENCE.finditer(found["text"]))
        return found["text"] if known else ""

    return _REFERENCE.sub(lambda found: values.get(found["side"], {})[_name(found)], _SECTION.sub(section, command))


def _name(found: re.Match[str]) -> str:
    """`inputs.data.path` is another way to write `inputs.data`."""
    name: str = found["name"]
    return name.removesuffix(_PATH) if name != _PATH else name
