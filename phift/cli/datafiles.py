"""Write data files for other programs: prepared ones atomically, and only over regular files."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from phift.data.messages import encoded
from phift.errors import UsageError

__all__ = ["add_row", "folder_for", "put"]

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


def add_row(path: Path, row: Mapping[str, Any]) -> None:
    """Append a conversation as a row of a JSON Lines file, created if missing.

    Raises UsageError if its name does not end in .jsonl, or it is a link, a folder, a device or not writable."""
    if path.suffix.lower() != ".jsonl":
        raise UsageError(f"cannot append a row to {path}: not a JSON Lines file", remedy="Choose a name in .jsonl.")
    line = encoded(row)
    try:
        if any(Path(os.path.realpath(path)).is_relative_to(system) for system in _OF_THE_SYSTEM):
            raise UsageError(f"cannot write {path}: it is in a system folder", remedy="Choose another folder.")
        _require_replaceable(path)
        with open(path, "a+b", opener=_without_links) as out:
            out.seek(0, os.SEEK_END)
            if out.tell():
                out.seek(-1, os.SEEK_END)
                line = line if out.read(1) == b"\n" else b"\n" + line
            out.write(line)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def _without_links(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def _require_replaceable(place: Path) -> None:
    if os.path.lexists(place) and not stat.S_ISREG(place.lstat().st_mode):
        raise UsageError(f"cannot write {place}: not a regular file", remedy="Remove it, or choose another folder.")
