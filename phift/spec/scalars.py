"""Scalars of YAML 1.2's core schema: 5e-6 is a number, `on`, `yes` and 2024-01-01 are text, 0o17 is 15."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["MAX_BITS", "TAG", "construct", "implicit_tag", "plain_scalar"]

TAG = "tag:yaml.org,2002:"
MAX_BITS = 256
"""Maximum bits of a whole number: no field needs more, and operations on longer numbers are slow."""

_LONGEST_NUMBER = 400  # characters
_STRING = f"{TAG}str"
_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)

_BY_FIRST: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
"""The possible types of a plain scalar by its first character."""
for _name, _pattern, _firsts in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    for _first in _firsts:
        _BY_FIRST.setdefault(_first, []).append((f"{TAG}{_name}", _pattern))


def implicit_tag(text: str) -> str:
    """Return the tag of an unquoted scalar."""
    for tag, pattern in _BY_FIRST.get(text[:1], ()):
        if pattern.match(text):
            return tag
    return _STRING


def construct(tag: str, text: str) -> Any:
    """Return the value of a scalar with a tag. Raises ValueError for invalid text and for a too long number."""
    match tag[len(TAG) :]:
        case "null":
            return None
        case "bool":
            if text.lower() not in ("true", "false"):
                raise ValueError(text)
            return text.lower() == "true"
        case "int":
            _require_short(text)
            number = int(text, 8 if text.startswith("0o") else 16 if text.startswith("0x") else 10)
            if number.bit_length() > MAX_BITS:
                raise ValueError(text)
            return number
        case "float":
            _require_short(text)
            return float(re.sub(r"\.(inf|nan)$", r"\1", text, flags=re.IGNORECASE) if text[-1:].isalpha() else text)
        case _:
            return text


def plain_scalar(text: str) -> Any:
    """Return the value of an unquoted YAML scalar: None, bool, int, float or the text itself."""
    try:
        return construct(implicit_tag(text), text)
    except ValueError:
        return text


def _require_short(text: str) -> None:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(text[:_LONGEST_NUMBER])
