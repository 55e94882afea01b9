"""The `azure:` block of a resource: what is merged last into a request body, and how it is compared later.

A leaf that the live document shows is compared by value. One that the service keeps to itself is compared by
`phift.raw`, which says for each leaf that was written its dotted path and four hex digits of its value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phift.digest import canonical_json, digest_of

__all__ = ["Override", "leaves", "overridden", "overrides", "raw_mark", "without"]

_LONGEST = 256
"""Characters of a tag's value on ARM."""
_WHOLE = "*"


def leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by dotted path; lists and scalars are leaves, so is an empty mapping."""
    for key, inner in value.items():
        path = f"{prefix}{key}"
        if isinstance(inner, Mapping) and inner:
            yield from leaves(inner, f"{path}.")
        else:
            yield path, inner


@dataclass(frozen=True)
class Override:
    """One leaf that differs. wanted: None where it left the spec. live: None where the service does not show it.

    shown: whether the live document has it; else the mark alone tells.
    """

    path: str
    wanted: Any
    live: Any
    shown: bool


def raw_mark(block: Mapping[str, Any]) -> str:
    """`PATH=HEX,...` of the leaves; `*=HEX` of the whole where that is too long for a tag; empty for none."""
    found = dict(leaves(block))
    if not found:
        return ""
    text = ",".join(f"{path}={_hint(path, value)}" for path, value in sorted(found.items()))
    clear = all("," not in path and "=" not in path for path in found)
    return text if clear and len(text) <= _LONGEST else f"{_WHOLE}={digest_of(block, 16)}"


def overrides(block: Mapping[str, Any], mark: str, live: Mapping[str, Any]) -> list[Override]:
    """Where the live document is not what the block says. mark: the live object's `phift.raw`."""
    written = dict(part.rpartition("=")[::2] for part in mark.split(",") if part)
    wanted = dict(leaves(block))
    found = []
    for path, value in wanted.items():
        shown, there = _look(live, path)
        if shown and not _equal(value, there):
            found.append(Override(path, value, there, shown=True))
        elif not shown and _WHOLE not in written and written.get(path) != _hint(path, value):
            found.append(Override(path, value, None, shown=False))
    if _WHOLE in written:
        if mark != raw_mark(block) and not found:
            found.append(Override("", block or None, None, shown=False))
        return found
    for path in written:
        if path not in wanted:
            shown, there = _look(live, path)
            found.append(Override(path, None, there, shown))
    return found


def overridden(block: Mapping[str, Any], live: Mapping[str, Any], observe: Any) -> frozenset[str]:
    """The managed properties that the block decides: those that cannot be observed without its leaves.

    observe: from a REST document to managed properties.
    """
    if not block:
        return frozenset()
    before, after = dict(leaves(observe(live))), dict(leaves(observe(without(live, [p for p, _ in leaves(block)]))))
    return frozenset(path for path, value in before.items() if after.get(path) != value)


def without(document: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """A copy without those leaves."""
    copy = _copied(document)
    for path in paths:
        *folders, last = path.split(".")
        inner: Any = copy
        for folder in folders:
            inner = inner.get(folder) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.pop(last, None)
    return copy


def _copied(document: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in document.items()}


def _look(document: Mapping[str, Any], path: str) -> tuple[bool, Any]:
    inner: Any = document
    for part in path.split("."):
        if not isinstance(inner, Mapping) or inner.get(part) is None:
            return False, None
        inner = inner[part]
    return True, inner


def _equal(wanted: Any, live: Any) -> bool:
    """As the resource manager compares: its ids are case-insensitive, all else is not."""
    if isinstance(wanted, str) and isinstance(live, str) and wanted.startswith("/"):
        return wanted.lower() == live.lower()
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(_equal(a, b) for a, b in zip(wanted, live, strict=True))
    return bool(wanted == live) and isinstance(wanted, bool) == isinstance(live, bool)


def _hint(path: str, value: Any) -> str:
    """Too short to guess a value by, long enough to tell that it changed."""
    return hashlib.sha256(f"{path}\n{canonical_json(value)}".encode()).hexdigest()[:4]
