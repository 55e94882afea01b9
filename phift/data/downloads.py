"""Folders of downloads, each locked by `NAME.lock` beside it, and what killed commands left in them.

DOWNLOADS/0 ... DOWNLOADS/31     of files of the hub, see phift.data.hub.download
DOWNLOADS/files/{24 hex}         of files from elsewhere, see phift.data.remote
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from phift.data.locking import held

__all__ = ["sweep"]

_STALE = 7 * 24 * 3600.0  # seconds after which what a killed command left is removed


def sweep(folder: Path, *, older: float = _STALE) -> None:
    """Remove the files in the folders below a folder, if nobody holds them and none was written for `older` seconds.

    Raises OSError.
    """
    now = time.time()
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.is_dir() or path.is_symlink():
            continue
        files, numbered = list(path.iterdir()), path.name.isdecimal()
        if (numbered and not files) or any(each.is_dir() for each in files):
            continue
        if any(now - each.lstat().st_mtime < older for each in files or [path]):
            continue
        lock = folder / f"{path.name}.lock"
        with held(lock, wait=False) as ours:
            for each in files if ours else ():
                each.unlink(missing_ok=True)
            if ours and not numbered:  # numbers are used again
                with contextlib.suppress(OSError):
                    path.rmdir()
                    lock.unlink(missing_ok=True)
