"""The folder of phift's own files on this machine: PHIFT_HOME, or `.phift` in the project."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["locate"]

_MARKERS = (".phift", ".git", "pyproject.toml")


def locate(start: Path | None = None) -> Path:
    """Return PHIFT_HOME, or .phift/ in the nearest folder from `start` (default: the current one) upwards with .phift,
    .git or pyproject.toml, or .phift/ in `start`. Creates nothing."""
    if named := os.environ.get("PHIFT_HOME"):
        return Path(named).expanduser().resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if folder == Path.home() and folder != here:
            break
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder / ".phift"
    return here / ".phift"
