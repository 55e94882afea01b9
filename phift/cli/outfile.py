"""Write a result to a file that the user names: atomically, and only over an earlier result of the same kind."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from phift.errors import UsageError
from phift.files import head_of_regular

__all__ = ["JSON", "PAGE", "Kind", "require_writable", "write_text"]


class Kind(NamedTuple):
    """A kind of results. begins: the first characters of each."""

    name: str
    begins: str


JSON = Kind("a JSON document of phift", '{\n  "format_version"')
PAGE = Kind("an HTML page", "<!doctype html>")

_LINKS = 40
_OF_THE_SYSTEM = ("/dev", "/proc", "/sys")
_REMEDY = "Choose a regular file."


def require_writable(path: Path, remedy: str = _REMEDY, *, kind: Kind | None = None) -> Path:
    """Return the path to write to, with links followed.

    kind: of the results that may be replaced; None: any content. Raises UsageError if the file exists and has other
    content, such as a spec, or is not a regular file: pipes and devices must be neither written to nor replaced.
    """
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
                if kind is not None:
                    _require_kind(path, place, kind)
                return place
            place = Path(folder, os.readlink(place))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    raise UsageError(f"cannot write {path}: too many levels of symbolic links")


def _require_kind(path: Path, place: Path, kind: Kind) -> None:
    try:
        head = head_of_regular(place, len(kind.begins))
    except FileNotFoundError:
        return
    if head.strip() and head.lower() != kind.begins.encode().lower():
        raise UsageError(
            f"cannot write {path}: it exists and is not {kind.name}",
            detail="It would be overwritten.",
            remedy="Choose another name, or remove the file first.",
        )


def write_text(path: Path, text: str, kind: Kind, remedy: str = _REMEDY) -> None:
    """Write a result of a kind atomically; a link stays a link. Raises UsageError like `require_writable`, and if it
    cannot be written."""
    place = require_writable(path, remedy, kind=kind)
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
