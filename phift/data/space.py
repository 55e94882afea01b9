"""Checks and errors about disk space for data."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from phift.errors import PhiftError

__all__ = ["DiskFullError", "full_disk_error", "megabytes", "need", "unusable"]

_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskFullError(PhiftError):
    """A disk has too little space. needed: bytes, 0 if unknown; purpose: follows "needed"."""

    def __init__(self, folder: Path, needed: int, free: int, purpose: str = "") -> None:
        wanted = (
            f": {purpose and 'about '}{megabytes(needed)} needed{purpose}, {megabytes(free)} free" if needed else ""
        )
        super().__init__(
            f"not enough disk space in {folder}{wanted}",
            remedy="Free some space, or set PHIFT_HOME to a folder on another disk.",
        )


def need(folder: Path, size: int, clear: Callable[[], object], purpose: str = "") -> None:
    """Raise DiskFullError if the bytes do not fit on the disk of a folder, even after `clear`."""
    if shutil.disk_usage(folder).free >= size:
        return
    clear()
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DiskFullError(folder, size, free, purpose)


@contextmanager
def full_disk_error(folder: Path) -> Iterator[None]:
    """Convert disk-full errors of writes below the folder to DiskFullError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise DiskFullError(folder, 0, 0) from None


def unusable(folder: Path, error: OSError) -> PhiftError:
    """Build the error for a download folder that cannot be used."""
    remedy = "Make the download folder writable, or set PHIFT_HOME."
    return PhiftError(f"cannot use {folder}: {error.strerror or error}", remedy=remedy)


def megabytes(size: int) -> str:
    """Format bytes in powers of a thousand, like the hub."""
    if size < 950_000:
        return f"{size / 1e3:,.1f} kB"
    return f"{size / 1e6:,.1f} MB" if size < 10_000_000 else f"{size / 1e6:,.0f} MB"
