"""Write a result to a file that the user names: atomically, and never over a pipe, a device or a folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from phift.errors import UsageError

__all__ = ["require_writable", "write_text"]

_LINKS = 40
_OF_THE_SYSTEM = ("/dev", "/proc", "/sys")
_REMEDY = "Choose a regular file."


def require_writable(path: Path, remedy: str = _REMEDY) -> Path:
    """Return the path to write to, with links followed. Raises UsageError if it exists and is not a regular file:
    pipes and devices must be neither written to nor replaced by a file."""
    place = path
    try:
        for _ in range(_LINKS):
            folder = os.path.realpath(os.path.dirname(os.path.abspath(place)))
            place = Path(folder, os.path.basename(os.path.abspath(place)))
            if any(place.is_relative_to(system) for system in _OF_THE_SYSTEM):
                raise UsageError(f"cannot write {path}: not a regular file", remedy=remedy)
            if not place.is_symlink():
                if os.path.lexists(place) and not stat.S_ISREG(place.lstat().st_mode):
                    raise UsageError(f"cannot write {path}: not a regular file", remedy=remedy)
                return place
            place = Path(folder, os.readlink(place))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    raise UsageError(f"cannot write {path}: too many levels of symbolic links")


def write_text(path: Path, text: str, remedy: str = _REMEDY) -> None:
    """Write the text atomically; a link stays a link. Raises UsageError if it cannot be written."""
    place = require_writable(path, remedy)
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with open(temporary, "x", encoding="utf-8") as stream:
            stream.write(text)
        if place.exists():
            temporary.chmod(stat.S_IMODE(place.stat().st_mode))
        temporary.replace(place)
    except (OSError, UnicodeEncodeError) as error:
        if not isinstance(error, FileExistsError):
            temporary.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from error
