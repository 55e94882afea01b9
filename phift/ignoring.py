"""Patterns of files to leave out of an upload, as in `.amlignore` and `.gitignore`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Ignored"]

_MOST_PATTERNS = 10_000


@dataclass(frozen=True)
class _Pattern:
    match: re.Pattern[str]
    again: bool
    folders: bool


class Ignored:
    """The patterns of one file, in order: the last one that matches a name decides.

    A name without slash matches at any depth, one with a slash below the folder of the file; `**` matches any folders,
    a trailing slash folders only, and `!` includes again. The content of an excluded folder is excluded.
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        found = (_pattern(line) for line in lines)
        self._patterns = [pattern for pattern in found if pattern is not None][:_MOST_PATTERNS]

    def covers(self, name: str, *, folder: bool) -> bool:
        """Return whether a name, relative and with slashes, is excluded. folder: whether it is that of a folder."""
        excluded = False
        for pattern in self._patterns:
            if (folder or not pattern.folders) and pattern.match.fullmatch(name):
                excluded = not pattern.again
        return excluded


@lru_cache(maxsize=1024)
def _pattern(line: str) -> _Pattern | None:
    text = line.rstrip("\r\n")
    text = text if text.endswith("\\ ") else text.rstrip()
    if not text or text.startswith("#"):
        return None
    again, text = text.startswith("!"), text.removeprefix("!")
    folders, text = text.endswith("/"), text.rstrip("/")
    if not text:
        return None
    anchored = "/" in text
    parts = [part for part in text.split("/") if part]
    return _Pattern(re.compile(_expression(parts, anchored), re.DOTALL), again, folders)


def _expression(parts: list[str], anchored: bool) -> str:
    whole = "" if anchored else "(?:.*/)?"
    for index, part in enumerate(parts):
        last = index + 1 == len(parts)
        if part == "**":
            whole += ".+" if last else "(?:.*/)?"
        else:
            whole += _segment(part) + ("" if last else "/")
    return whole


def _segment(part: str) -> str:
    """Return the expression of a name with `*`, `?` and `[...]`, of which none matches a slash."""
    found, index = "", 0
    while index < len(part):
        char = part[index]
        index += 1
        if char == "*":
            while part[index : index + 1] == "*":
                index += 1
            found += "[^/]*"
        elif char == "?":
            found += "[^/]"
        elif char == "[" and (end := part.find("]", index + 1)) > 0:
            inner = part[index:end].replace("\\", "\\\\").replace("[", "\\[")
            inner = f"^{inner[1:]}" if inner[:1] == "!" else inner
            found += f"(?!/)[{inner}]" if _is_class(inner) else re.escape(part[index - 1 : end + 1])
            index = end + 1
        elif char == "\\" and index < len(part):
            found += re.escape(part[index])
            index += 1
        else:
            found += re.escape(char)
    return found


def _is_class(inner: str) -> bool:
    try:
        re.compile(f"[{inner}]")
    except re.error:
        return False
    return True
