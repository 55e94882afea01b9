"""Read files from untrusted paths: only regular files, up to a size limit, in allowed folders."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = [
    "LOCK_FILE",
    "SPEC_BYTES",
    "STATE_BYTES",
    "UnfitFileError",
    "create_text",
    "head_of_regular",
    "is_within",
    "read_regular",
    "real",
    "replace_text",
    "repository_of",
]

LOCK_FILE = "phift.lock"
SPEC_BYTES = 1_000_000
"""Maximum bytes of a spec, a base or a variable file."""
STATE_BYTES = 64_000_000
"""Maximum bytes of a lock file or a saved plan."""

_LONGEST_PATH = 4096


class UnfitFileError(OSError):
    """A file that exists but is not read. code: of the diagnostic; strerror: why."""

    def __init__(self, code: str, why: str, path: str) -> None:
        super().__init__(errno.EINVAL, why, path)
        self.code = code


def read_regular(path: Path | str, most: int) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises UnfitFileError for a pipe, a device or a socket, without waiting, and for a larger file; OSError like open,
    including for an invalid name.
    """
    raw = head_of_regular(path, most + 1)
    if len(raw) > most:
        raise UnfitFileError("file-size", f"larger than {most // 1_000_000} MB", str(path))
    return raw


def head_of_regular(path: Path | str, most: int) -> bytes:
    """Return the first bytes of a regular file of any size. Raises like read_regular."""
    name = str(path)
    try:
        # Check before opening: opening some devices has side effects.
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
    """Resolve a path with links followed; its last parts need not exist. Raises OSError for an invalid name."""
    name = str(path)
    if len(name) > _LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), name)
    try:
        return Path(os.path.realpath(name))
    except ValueError:
        raise _impossible(name) from None


def _impossible(name: str) -> OSError:
    return OSError(errno.EINVAL, "the name contains a NUL character or is not UTF-8", name)


def repository_of(folder: Path) -> Path:
    """Return the Git work tree of a folder; without one, the folder's parent (the folder itself below /).

    Does not run Git: a work tree has a `.git`, which no commit can contain. Raises OSError like `real`.
    """
    whole = real(folder)
    for place in (whole, *whole.parents):
        if os.path.lexists(place / ".git"):
            return place
    return whole.parent if whole.parent != whole.parent.parent else whole


def is_within(path: Path | str, root: Path) -> bool:
    """Return whether a path resolves to a folder or something in it. Raises OSError like `real`."""
    return real(path).is_relative_to(root)


def create_text(path: Path, text: str) -> None:
    """Write a new UTF-8 text file. Raises FileExistsError if the name is taken, also by a link, and OSError."""
    with open(path, "x", encoding="utf-8") as stream:
        stream.write(text)


def replace_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
