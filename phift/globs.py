"""Globs of others: looked up with a bound on what is looked at, which `**` from the root of a disk has not."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

__all__ = ["MOST_ENTRIES", "TooManyFilesError", "below", "matches"]

MOST_ENTRIES = 50_000
"""Files and folders that one pattern, or one folder, may make phift look at."""

_Place = tuple[str, int, frozenset[tuple[int, int]]]
"""A folder, the part of the pattern that applies in it, and the folders that led there through a `**`."""


class TooManyFilesError(Exception):
    """A pattern or a folder would make phift look at more than MOST_ENTRIES files and folders."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} makes phift look at more than {MOST_ENTRIES} files and folders")


def matches(pattern: str, base: str = "") -> list[str]:
    """What a pattern matches, as `glob.glob(recursive=True)` finds it, sorted: `**` stands for any folders, hidden
    names need a pattern that begins with a dot. base: the folder that a relative pattern starts from.

    A link to a folder that leads to itself is not followed. Raises TooManyFilesError.
    """
    count = _counter(pattern)
    head = "/" if pattern.startswith("/") else ""
    parts = [part for part in pattern.split("/") if part]
    if not parts:
        return []
    if parts[-1] == "**":
        parts.append("*")
    found: set[str] = set()
    seen: set[tuple[str, int]] = set()
    waiting: list[_Place] = [(head, 0, frozenset())]
    while waiting:
        folder, index, above = waiting.pop()
        if (folder, index) in seen:
            continue
        seen.add((folder, index))
        count()
        if parts[index] == "**":
            waiting.append((folder, index + 1, frozenset()))
            waiting += _deeper(folder, base, index, above, count)
            continue
        last = index + 1 == len(parts)
        for path, is_folder in _entries(folder, base, parts[index], count):
            if last and (is_folder or not pattern.endswith("/")):
                found.add(path)
            elif is_folder and not last:
                waiting.append((path, index + 1, frozenset()))
    return sorted(found)


def below(folder: str) -> Iterator[str]:
    """The files in a folder and in those below it, by name; hidden folders and links to folders are not entered.

    Raises TooManyFilesError.
    """
    count = _counter(folder)
    for where, folders, files in os.walk(folder):
        count(len(folders) + len(files))
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        yield from (os.path.join(where, name) for name in sorted(files))


def _counter(what: str) -> Callable[..., None]:
    left = MOST_ENTRIES

    def count(amount: int = 1) -> None:
        nonlocal left
        left -= amount
        if left < 0:
            raise TooManyFilesError(what)

    return count


def _entries(folder: str, base: str, part: str, count: Callable[..., None]) -> Iterator[tuple[str, bool]]:
    """(path, whether it is a folder) of what one part of a pattern matches in a folder."""
    if not glob.has_magic(part):
        path = os.path.join(folder, part)
        whole = os.path.join(base, path)
        if os.path.lexists(whole):
            yield path, os.path.isdir(whole)
        return
    fits = _compiled(part)
    for entry in _scanned(folder, base, count):
        if fits(entry.name) and (part.startswith(".") or not entry.name.startswith(".")):
            yield os.path.join(folder, entry.name), _is_folder(entry)


def _deeper(
    folder: str, base: str, index: int, above: frozenset[tuple[int, int]], count: Callable[..., None]
) -> Iterator[_Place]:
    """The folders in a folder, where the same `**` goes on."""
    above = above or _identity(os.path.join(base, folder) or os.curdir)
    for entry in _scanned(folder, base, count):
        if entry.name.startswith(".") or not _is_folder(entry):
            continue
        own = _identity(entry.path)
        if own and not own <= above:
            yield os.path.join(folder, entry.name), index, above | own


def _identity(path: str) -> frozenset[tuple[int, int]]:
    """What tells a folder from all others, whatever links lead to it; nothing where it is gone."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return frozenset()
    return frozenset({(status.st_dev, status.st_ino)})


def _scanned(folder: str, base: str, count: Callable[..., None]) -> Sequence[os.DirEntry[str]]:
    found = []
    try:
        with os.scandir(os.path.join(base, folder) or os.curdir) as entries:
            for entry in entries:
                count()
                found.append(entry)
    except (OSError, ValueError):
        return ()  # no folder, or none that may be read: a glob passes it over
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


@lru_cache(maxsize=64)
def _compiled(part: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(part)).match
