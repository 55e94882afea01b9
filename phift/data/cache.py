"""Prepared rows, kept by recipe: prepared once for the check, the upload, the tests and whoever asks next.

    HOME/cache/data/{64 hex of the recipe}.jsonl, and .json beside it: rows, size, SHA-256, what was left out

A file appears when it is whole. Whoever prepares holds a lock on the recipe, so that two commands do not do it twice.
What was not used for longest goes when there is more than `LIMIT` bytes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from phift import home
from phift.data.prepare import Prepared, prepare, require_unchanged
from phift.data.recipe import Recipe
from phift.data.rows import Access

__all__ = ["LIMIT", "kept_rows", "kept_version", "prepared"]

LIMIT = 20 * 1024**3
"""Bytes kept, unless PHIFT_DATA_CACHE says how many GiB."""


def prepared(
    recipe: Recipe,
    *,
    progress: Callable[[int, int], None] | None = None,
    access: Access | None = None,
) -> Prepared:
    """The prepared rows of a recipe: from the cache, else made now; see `prepare` for what it raises.

    The file stays where it is until other rows need the room; read it, and do not change it. Where the cache cannot be
    written, the file lies in a temporary folder until the process ends.
    """
    folder = _folder()
    with _held(folder, recipe.key):
        # What was prepared stands for the content that was identified: a file that changed since is told as ever.
        require_unchanged(recipe.identity)
        found = _found(folder, recipe.key)
        if found is not None:
            return found
        made = prepare(recipe, folder / f"{recipe.key}.jsonl", progress=progress, access=_kept(access, folder))
        _note(folder, recipe.key, made)
    _make_room(folder, recipe.key)
    return made


def kept_rows(recipe: Recipe) -> Prepared | None:
    """The prepared rows of a recipe if they are in the cache; prepares nothing. Raises StalePlanError as `prepare`."""
    folder = home.locate() / "cache" / "data"
    if not (folder / f"{recipe.key}.json").exists():
        return None
    require_unchanged(recipe.identity)
    return _found(folder, recipe.key)


def kept_version(version: str) -> Path | None:
    """The prepared file of a data version (12 hex) if it is in the cache."""
    for path in sorted((home.locate() / "cache" / "data").glob(f"{version}*.jsonl")):
        if (found := _found(path.parent, path.stem)) is not None:
            return found.path
    return None


def _kept(access: Access | None, folder: Path) -> Access:
    """Downloads go beside the cache, where a killed command's are taken up again."""
    access = access or Access()
    return access if access.folder else Access(access.hub, folder.parent / "downloads", access.downloading)


def _folder() -> Path:
    folder = home.locate() / "cache" / "data"
    try:
        root = folder.parent.parent
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (root / ".gitignore").exists():
            (root / ".gitignore").write_text("*\n")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass  # a read-only project: prepared for this process alone
    return Path(_scratch().name)


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for this process alone, deleted when it ends."""
    return tempfile.TemporaryDirectory(prefix="phift-data-")


@contextmanager
def _held(folder: Path, key: str) -> Iterator[None]:
    descriptor = os.open(folder / f"{key}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _found(folder: Path, key: str) -> Prepared | None:
    path = folder / f"{key}.jsonl"
    try:
        noted = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        made = Prepared(path, noted["rows"], noted["size"], noted["digest"], tuple(sorted(noted["skipped"].items())))
        if path.stat().st_size != made.size:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return made


def _note(folder: Path, key: str, made: Prepared) -> None:
    body: dict[str, Any] = {"rows": made.rows, "size": made.size, "digest": made.digest, "skipped": dict(made.skipped)}
    draft = folder / f".{key}.{os.getpid()}"
    draft.write_text(json.dumps(body), encoding="utf-8")
    draft.replace(folder / f"{key}.json")


def _make_room(folder: Path, key: str) -> None:
    """Deletes what was not used for longest, but not what was just made."""
    limit = LIMIT
    with contextlib.suppress(ValueError):
        limit = int(float(os.environ.get("PHIFT_DATA_CACHE", "")) * 1024**3)
    files = []
    for path in folder.glob("*.jsonl"):
        with contextlib.suppress(OSError):
            status = path.stat()
            files.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= limit:
            return
        if path.stem != key:
            for each in (path, path.with_suffix(".json"), path.with_suffix(".lock")):
                with contextlib.suppress(OSError):
                    each.unlink()
            total -= size
