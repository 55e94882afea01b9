"""Disk space for prepared rows: eviction, cleanup after killed commands, and checks of free space."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

from phift.data import space
from phift.data.locking import held
from phift.data.recipe import Recipe
from phift.data.sources import is_packed

__all__ = ["LIMIT", "limit", "make_room", "need", "remove", "sweep"]

LIMIT = 20 * 1024**3
"""Default size of the cache in bytes; PHIFT_DATA_CACHE overrides it in GiB."""
_IN_USE = 3600.0
"""Seconds after its last use for which a file is not deleted, because a command may still use it."""
_COLUMNS = {"prompt", "messages", "prompt_id"}
_DRAFT = re.compile(r"\.([0-9a-f]{64})\.")
_COMPANION = re.compile(r"([0-9a-f]{64})\.(json|lock)")


def limit() -> int:
    """Return the maximum bytes of all prepared rows."""
    try:
        return int(float(os.environ.get("PHIFT_DATA_CACHE", "")) * 1024**3)
    except (ValueError, OverflowError):
        return LIMIT


def sweep(folder: Path, key: str) -> None:
    """Delete leftovers of killed commands: drafts, notes and locks without rows. key: of the locked recipe.

    Preparation holds the lock of its recipe, so files of an unlocked recipe are not in use.
    """
    for path in list(folder.iterdir()):
        draft, companion = _DRAFT.match(path.name), _COMPANION.fullmatch(path.name)
        owner = draft or companion
        if owner is None or (companion and (folder / f"{owner[1]}.jsonl").exists()):
            continue
        if owner[1] != key:
            _remove_unlocked(folder, owner[1], [path], orphans=companion is not None)
        elif path.suffix != ".lock":
            _unlink(path)


def make_room(folder: Path, key: str, *, most: int | None = None, wanted: int = 0) -> None:
    """Delete the least recently used rows until at most `most` bytes are kept (default: `limit()`) and `wanted` bytes
    of the disk are free; never the rows of `key` or rows used within the last hour."""
    most = limit() if most is None else most
    files = []
    for path in folder.glob("*.jsonl"):
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in files)
    for used, size, path in sorted(files):
        if total <= most and shutil.disk_usage(folder).free >= wanted:
            return
        if path.stem != key and time.time() - used > _IN_USE and _remove_unlocked(folder, path.stem, _of(path)):
            total -= size


def remove(folder: Path, key: str) -> None:
    """Delete the rows of a recipe; its lock must be held."""
    for path in _of(folder / f"{key}.jsonl"):
        _unlink(path)


def need(folder: Path, recipe: Recipe) -> None:
    """Raise DiskFullError if the disk has less space than the rows of a recipe need at least."""
    wanted = _at_least(recipe)
    space.need(folder, wanted, lambda: make_room(folder, recipe.key, wanted=wanted), f" to prepare {recipe.identity}")


def _at_least(recipe: Recipe) -> int:
    """Estimate the minimum bytes of the prepared rows: those of the source if all its columns are used.

    0 if unknown: rows that might fit are not rejected.
    """
    split, take = recipe.identity.hub, recipe.take
    share = float(take.share or 1) if take.count is None else 0.0
    if split is not None:
        if split.rows:
            share = (take.of(split.rows) or share * split.rows) / split.rows
        used = bool(split.columns) and set(split.columns) <= _COLUMNS and recipe.messages is None
    else:
        used = not any(is_packed(format) for format in recipe.identity.formats) and recipe.messages is None
    return int(recipe.identity.size * min(share, 1.0)) if used else 0


def _of(path: Path) -> list[Path]:
    """A file of rows and its metadata file."""
    return [path, path.with_suffix(".json")]


def _remove_unlocked(folder: Path, key: str, paths: list[Path], *, orphans: bool = False) -> bool:
    """Delete files of a recipe and its lock, unless the lock is held. orphans: only if there are no rows."""
    lock = folder / f"{key}.lock"
    try:
        with held(lock, wait=False) as ours:
            if orphans and (folder / f"{key}.jsonl").exists():
                return False
            for path in [*paths, lock] if ours else ():
                _unlink(path)
            return ours
    except OSError:
        return False  # already deleted, or not permitted: not an error


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
