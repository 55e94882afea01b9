"""Files that others name: only regular ones are read, to a bounded size, and only where they may lie."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = [
    "SPEC_BYTES",
    "STATE_BYTES",
    "UnfitFileError",
    "head_of_regular",
    "is_within",
    "read_regular",
    "real",
    "repository_of",
]

SPEC_BYTES = 1_000_000
"""Of a spec, of one it extends, of a variable file."""
STATE_BYTES = 64_000_000
"""Of a lock file and of a saved plan."""

_LONGEST_PATH = 4096


class UnfitFileError(OSError):
    """A file that is there and is not read. code: of the diagnostic; strerror: why."""

    def __init__(self, code: str, why: str, path: str) -> None:
        super().__init__(errno.EINVAL, why, path)
        self.code = code


def read_regular(path: Path | str, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises UnfitFileError for a pipe, a device or a socket, which are never waited for, and for a longer file; OSError
    as open does, also for a name that no file can have.
    """
    raw = head_of_regular(path, most + 1)
    if len(raw) > most:
        raise UnfitFileError("file-size", f"larger than {most // 1_000_000} MB", str(path))
    return raw


def head_of_regular(path: Path | str, most: int) -> bytes:
    """The first bytes of a regular file. Raises as read_regular, but for a long file."""
    name = str(path)
    try:
        # Before it is opened: to open some devices is to act on them.
        _require_regular(os.stat(name).st_mode, name)
        with open(name, "rb", opener=_opened) as stream:
            _require_regular(os.fstat(stream.fileno()).st_mode, name)
            return stream.read(most)
    except ValueError:
        raise _impossible(name) from None


def _opened(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def _require_regular(mode: int, name: str) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not stat.S_ISREG(mode):
        raise UnfitFileError("file-not-regular", "not a regular file", name)


def real(path: Path | str) -> Path:
    """Where a path leads, its links followed; the last parts need not exist. Raises OSError for a name that no file
    can have."""
    name = str(path)
    if len(name) > _LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)
    try:
        return Path(os.path.realpath(name))
    except ValueError:
        raise _impossible(name) from None


def _impossible(name: str) -> OSError:
    return OSError(errno.EINVAL, "the name holds a NUL character or is not UTF-8", name)


def repository_of(folder: Path) -> Path:
    """The Git work tree that a folder belongs to; outside of one, the folder's parent (the folder itself below /).

    Git is not asked: a `.git` is what marks a work tree, and no commit can hold one. Raises OSError as `real` does.
    """
    whole = real(folder)
    for place in (whole, *whole.parents):
        if os.path.lexists(place / ".git"):
            return place
    return whole.parent if whole.parent != whole.parent.parent else whole


def is_within(path: Path | str, root: Path) -> bool:
    """Whether a path leads to somewhere in a folder, or to the folder itself. Raises OSError as `real` does."""
    return real(path).is_relative_to(root)
