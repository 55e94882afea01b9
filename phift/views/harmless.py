"""Make plans, findings and errors safe to show: escape text that could control a terminal or deceive the reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from phift.inert import inert

__all__ = ["harmless", "shown_text"]

T = TypeVar("T")

_QUOTED = frozenset({"wanted", "live", "applied", "desired", "details", "lock"})
"""Fields shown in quotes, where line ends are already escaped."""
_PARAGRAPHS = frozenset({"detail", "remedy"})
_LINES = "\n\t"
_OWN_COLOURS = "(\033\\[(?:0|1|2|3[1236])m)"


def harmless(value: T) -> T:
    """Return the value with all texts made inert; the same object if nothing changes."""
    changed: T = _made(value, "")
    return changed


def shown_text(text: str) -> str:
    """Make rendered text safe for a terminal or a log: keep only line ends, tabs and phift's own colours."""
    if text.isprintable():
        return text
    parts = re.split(_OWN_COLOURS, text)
    return "".join(part if number % 2 else inert(part, keep=_LINES) for number, part in enumerate(parts))


def _made(value: Any, keep: str) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else inert(value, keep=keep)
    if isinstance(value, Mapping):
        made = {_made(key, ""): _made(item, keep) for key, item in value.items()}
        return value if _same(made, value) else made
    if isinstance(value, list | tuple):
        items = [_made(item, keep) for item in value]
        same = all(a is b for a, b in zip(items, value, strict=True))
        return value if same else _like(value, items)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in fields(value):
            before = getattr(value, field.name)
            kept = "\n\r\t" if field.name in _QUOTED else _LINES if field.name in _PARAGRAPHS else keep
            if (after := _made(before, kept)) is not before:
                changed[field.name] = after
        return replace(value, **changed) if changed else value
    return value


def _like(value: list[Any] | tuple[Any, ...], items: list[Any]) -> Any:
    """The items as a sequence of the same class, which may be a named tuple."""
    make = getattr(value, "_make", type(value))
    return make(items)


def _same(made: Mapping[Any, Any], value: Mapping[Any, Any]) -> bool:
    return len(made) == len(value) and all(
        a is b and c is d for (a, c), (b, d) in zip(made.items(), value.items(), strict=True)
    )
