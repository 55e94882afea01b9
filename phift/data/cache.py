"""A cache of prepared rows by recipe, shared by the check, the upload, the tests and later commands.

    HOME/cache/data/{64 hex of the recipe}.jsonl, with a .json file: rows, size, SHA-256, dropped rows

Files are written atomically, under a lock on the recipe, so that two commands do not prepare the same rows. The least
recently used files are deleted above `room.LIMIT` bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from phift import home
from phift.data import room
from phift.data.lengths import Lengths
from phift.data.locking import held
from phift.data.prepare import Prepared, prepare, require_unchanged
from phift.data.recipe import Recipe
from phift.data.rows import Access

__all__ = ["forget", "kept_rows", "kept_version", "prepared"]


def prepared(
    recipe: Recipe,
    *,
    progress: Callable[[int, int], None] | None = None,
    access: Access | None = None,
) -> Prepared:
    """Return the prepared rows of a recipe, from the cache or prepared now. Raises the same errors as `prepare`.

    The file stays for at least an hour, until other rows need the space; do not modify it. If the cache is not
    writable, the file is in a temporary folder until the process ends. Raises PhiftError before anything is downloaded
    if the disk has too little space.
    """
    folder = _folder()
    with held(folder / f"{recipe.key}.lock", waiting=access.waiting if access else None):
        # The cached rows belong to the identified content: report a file that has changed since, as usual.
        require_unchanged(recipe.identity)
        found = _found(folder, recipe.key)
        if found is not None:
            return found
        room.sweep(folder, recipe.key)
        room.need(folder, recipe)
        made = prepare(recipe, folder / f"{recipe.key}.jsonl", progress=progress, access=_kept(access, folder))
        _note(folder, recipe.key, made)
    room.make_room(folder, recipe.key)
    return made


def forget(recipe: Recipe) -> None:
    """Delete the prepared rows of a recipe if the file is damaged. The next request prepares them again."""
    folder = _folder()
    with held(folder / f"{recipe.key}.lock"):
        room.remove(folder, recipe.key)


def kept_rows(recipe: Recipe) -> Prepared | None:
    """Return the prepared rows of a recipe if cached; never prepares. Raises StalePlanError like `prepare`."""
    folder = home.locate() / "cache" / "data"
    if not (folder / f"{recipe.key}.json").exists():
        return None
    require_unchanged(recipe.identity)
    return _found(folder, recipe.key)


def kept_version(version: str) -> Path | None:
    """Return the prepared file of a data version (12 hex) if cached."""
    for path in sorted((home.locate() / "cache" / "data").glob(f"{version}*.jsonl")):
        if (found := _found(path.parent, path.stem)) is not None:
            return found.path
    return None


def _kept(access: Access | None, folder: Path) -> Access:
    """Return the folder for downloads, next to the cache, so that downloads of a killed command resume."""
    access = access or Access()
    return access if access.folder else replace(access, folder=folder.parent / "downloads")


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
        return _scratch()  # a read-only project: prepare for this process only
    return _scratch()


def _scratch() -> Path:
    folder = Path(_temporary().name) / "data"
    folder.mkdir(exist_ok=True)
    return folder


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """Create a folder for this process only, deleted when it ends."""
    return tempfile.TemporaryDirectory(prefix="phift-data-")


def _found(folder: Path, key: str) -> Prepared | None:
    path = folder / f"{key}.jsonl"
    try:
        noted = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        made = Prepared(
            path,
            noted["rows"],
            noted["size"],
            noted["digest"],
            tuple(sorted(noted["skipped"].items())),
            Lengths.from_plain(noted.get("lengths")),
        )
        if path.stat().st_size != made.size:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)
    return made


def _note(folder: Path, key: str, made: Prepared) -> None:
    body: dict[str, Any] = {"rows": made.rows, "size": made.size, "digest": made.digest, "skipped": dict(made.skipped)}
    if made.lengths is not None:
        body["lengths"] = made.lengths.plain()
    draft = folder / f".{key}.{os.getpid()}"
    draft.write_text(json.dumps(body), encoding="utf-8")
    draft.replace(folder / f"{key}.json")
