"""Download folders, each locked by the file `NAME.lock` next to it, and cleanup of leftovers of killed commands.

DOWNLOADS/0 ... DOWNLOADS/31     of files of the hub, see phift.data.hub.download
DOWNLOADS/files/{24 hex}         of files from elsewhere, see phift.data.remote
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from phift.data.locking import held

__all__ = ["sweep"]

_STALE = 7 * 24 * 3600.0  # seconds after which leftovers of a killed command are deleted


def sweep(folder: Path, *, older: float = _STALE) -> None:
    """Delete the files in unlocked folders below a folder if none was written for `older` seconds.

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
            if ours and not numbered:  # numbered folders are reused
                with contextlib.suppress(OSError):
                    path.rmdir()
                    lock.unlink(missing_ok=True)
