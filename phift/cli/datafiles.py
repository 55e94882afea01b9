"""Write prepared data files for other programs: atomically, and only over regular files."""

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
    """Return the folder for files of these names, created if missing.

    Raises UsageError if it is not a folder, or a file would overwrite a link, a folder, a device or a source."""
    try:
        place = Path(os.path.realpath(path))
        if any(place.is_relative_to(system) for system in _OF_THE_SYSTEM):
            raise UsageError(f"cannot write to {path}: it is a system folder", remedy="Choose another folder.")
        place.mkdir(parents=True, exist_ok=True)
        taken = {os.path.realpath(source) for source in sources}
        for name in names:
            _require_replaceable(place / name)
            if os.path.realpath(place / name) in taken:
                remedy = "Choose another folder: the prepared rows would overwrite the source rows."
                raise UsageError(f"cannot write {place / name}: the spec reads its data from it", remedy=remedy)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"cannot write to {path}: not a folder", remedy="Choose a folder.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write to {path}: {getattr(error, 'strerror', None) or error}") from None
    return place


def put(source: Path, place: Path) -> None:
    """Copy the file atomically. Raises UsageError if it cannot be written."""
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
        raise UsageError(f"cannot write {place}: not a regular file", remedy="Remove it, or choose another folder.")
