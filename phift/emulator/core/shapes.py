"""Whether the values of a request body are of the kinds that its type declares, checked where the body is parsed.

What a handler is given afterwards is an object where it reads members and a text where it reads one. A member may be
null, as if it were left out; an item of an array may not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from phift.emulator.core.members import TYPES

__all__ = ["first_mismatch"]

_PLAIN: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "text": (str, "a string"),
    "object": (dict, "an object"),
    "scalar": ((str, int, float), "a scalar"),
}
_SHOWN = 60


def first_mismatch(body: Any, kind: str) -> tuple[str, str] | None:
    """The path of the first value of another kind than declared, and what the parser says of it (assumed:
    body_shapes); None when there is none. kind: a type of members.py."""
    return next(_mismatches(body, kind, ""), None)


def _mismatches(value: Any, kind: str, path: str) -> Iterator[tuple[str, str]]:
    if value is None or not kind:
        return
    if kind.startswith("["):
        yield from _each(value, kind[1:-1], path, list, "an array")
    elif kind.startswith("{"):
        yield from _each(value, kind[1:-1], path, dict, "an object")
    elif kind in _PLAIN:
        wanted, words = _PLAIN[kind]
        if not isinstance(value, wanted):
            yield path, _said(value, words, path)
    elif not isinstance(value, dict):
        yield path, _said(value, "an object", path)
    else:
        known = TYPES[kind]
        for name, each in value.items():
            yield from _mismatches(each, known.get(name.casefold(), ""), f"{path}.{name}" if path else name)


def _each(value: Any, kind: str, path: str, wanted: type, words: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, wanted):
        yield path, _said(value, words, path)
        return
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _mismatches(each, kind, f"{path}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if each is None:
                yield f"{path}[{index}]", _said(each, "a value", f"{path}[{index}]")
            yield from _mismatches(each, kind, f"{path}[{index}]")


def _said(value: Any, words: str, path: str) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    short = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return f"Error converting value {short} to {words}. Path '{path}'."
