"""The `azure:` block of a resource: merged last into the request body, and compared in later plans.

A leaf that the service returns is compared by value. A leaf that the service does not return is compared by the tag
`phift.raw`, which contains the dotted path of each written leaf and four hex digits of the digest of its value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phift.digest import canonical_json, digest_of

__all__ = ["Override", "leaves", "overridden", "overrides", "raw_mark", "without"]

_LONGEST = 256
"""Maximum length of the value of an ARM tag, in characters."""
_WHOLE = "*"


def leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings by dotted path. Lists, scalars and empty mappings are leaves."""
    for key, inner in value.items():
        path = f"{prefix}{key}"
        if isinstance(inner, Mapping) and inner:
            yield from leaves(inner, f"{path}.")
        else:
            yield path, inner


@dataclass(frozen=True)
class Override:
    """A leaf that differs. wanted: None if it was removed from the spec. live: None if the service does not return it.

    shown: whether the live document contains it; otherwise it is compared by the mark.
    """

    path: str
    wanted: Any
    live: Any
    shown: bool


def raw_mark(block: Mapping[str, Any]) -> str:
    """Return the mark of a block: `PATH=HEX,...` for its leaves, `*=HEX` if that is too long, "" for an empty block."""
    found = dict(leaves(block))
    if not found:
        return ""
    text = ",".join(f"{path}={_hint(path, value)}" for path, value in sorted(found.items()))
    clear = all("," not in path and "=" not in path for path in found)
    return text if clear and len(text) <= _LONGEST else f"{_WHOLE}={digest_of(block, 16)}"


def overrides(block: Mapping[str, Any], mark: str, live: Mapping[str, Any]) -> list[Override]:
    """Return the differences between the block and a live document. mark: the value of `phift.raw`."""
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
    """Return the managed properties that the block sets: those that cannot be observed without its leaves.

    observe: converts a REST document to managed properties.
    """
    if not block:
        return frozenset()
    before, after = dict(leaves(observe(live))), dict(leaves(observe(without(live, [p for p, _ in leaves(block)]))))
    return frozenset(path for path, value in before.items() if after.get(path) != value)


def without(document: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Return a copy without the leaves at these paths."""
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
    """Compare like the resource manager: ids are case-insensitive, other values are not."""
    if isinstance(wanted, str) and isinstance(live, str) and wanted.startswith("/"):
        return wanted.lower() == live.lower()
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(_equal(a, b) for a, b in zip(wanted, live, strict=True))
    return bool(wanted == live) and isinstance(wanted, bool) == isinstance(live, bool)


def _hint(path: str, value: Any) -> str:
    """Return four hex digits: too short to guess the value, long enough to detect a change."""
    return hashlib.sha256(f"{path}\n{canonical_json(value)}".encode()).hexdigest()[:4]
