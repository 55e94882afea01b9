"""Prepared files written for others: whole or not at all, and only in the place of regular files."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from phift.errors import UsageError

__all__ = ["folder_for", "put"]

_OF_THE_SYSTEM = ("/dev", "/proc", "/sys")


def folder_for(path: Path, names: Sequence[str], sources: Iterable[Path]) -> Path:
    """The folder for files of these names, made where it is not there. Raises UsageError where that is no folder, or a
    file would take the place of a link, a folder, a device or one of the sources."""
    try:
        place = Path(os.path.realpath(path))
        if any(place.is_relative_to(system) for system in _OF_THE_SYSTEM):
            raise UsageError(f"cannot write to {path}: it is a folder of the system", remedy="Name another folder.")
        place.mkdir(parents=True, exist_ok=True)
        taken = {os.path.realpath(source) for source in sources}
        for name in names:
            _require_replaceable(place / name)
            if os.path.realpath(place / name) in taken:
                remedy = "Name another folder: the rows that it holds would be replaced by what is made of them."
                raise UsageError(f"cannot write {place / name}: the spec reads its rows from there", remedy=remedy)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"cannot write to {path}: it is not a folder", remedy="Name a folder.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write to {path}: {getattr(error, 'strerror', None) or error}") from None
    return place


def put(source: Path, place: Path) -> None:
    """A copy of the file, which appears when it is whole. Raises UsageError."""
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        _require_replaceable(place)
        with source.open("rb") as rows, draft.open("xb") as out:
            shutil.copyfileobj(rows, out, 1 << 20)
        os.replace(draft, place)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            draft.unlink(missing_ok=True)
        raise UsageError(f"cannot write {place}: {error.strerror or error}") from None


def _require_replaceable(place: Path) -> None:
    if os.path.lexists(place) and not stat.S_ISREG(place.lstat().st_mode):
        raise UsageError(f"cannot write {place}: not a regular file", remedy="Remove it, or name another folder.")
