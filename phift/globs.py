"""Expand untrusted globs with a limit on visited files, which `**` at the root of a disk would exceed."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

__all__ = ["MOST_ENTRIES", "TooManyFilesError", "below", "matches"]

MOST_ENTRIES = 50_000
"""Maximum files and folders to visit for one pattern or folder."""

_Place = tuple[str, int, frozenset[tuple[int, int]]]
"""A folder, the pattern part that applies in it, and the parent folders matched by a `**`."""


class TooManyFilesError(Exception):
    """A pattern or a folder requires visiting more than MOST_ENTRIES files and folders."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} requires searching more than {MOST_ENTRIES} files and folders")


def matches(pattern: str, base: str = "") -> list[str]:
    """Return the sorted matches of a pattern, like `glob.glob(recursive=True)`: `**` matches any folders, hidden names
    require a pattern that starts with a dot. base: the folder of a relative pattern.

    Cyclic links to folders are not followed. Raises TooManyFilesError.
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
    """Return the files in a folder and its sub-folders, by name, without hidden folders and links to folders.

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
    """Yield (path, whether it is a folder) of the matches of one pattern part in a folder."""
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
    """Yield the sub-folders to which the same `**` applies."""
    above = above or _identity(os.path.join(base, folder) or os.curdir)
    for entry in _scanned(folder, base, count):
        if entry.name.startswith(".") or not _is_folder(entry):
            continue
        own = _identity(entry.path)
        if own and not own <= above:
            yield os.path.join(folder, entry.name), index, above | own


def _identity(path: str) -> frozenset[tuple[int, int]]:
    """Return the identity of a folder, regardless of links; empty if it was deleted."""
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
        return ()  # not a folder, or not readable: globs skip it
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


@lru_cache(maxsize=64)
def _compiled(part: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(fnmatch.translate(part)).match
