"""Where phift keeps what is its own on this machine: PHIFT_HOME, or `.phift` beside the project."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["locate"]

_MARKERS = (".phift", ".git", "pyproject.toml")


def locate(start: Path | None = None) -> Path:
    """PHIFT_HOME, or .phift/ in the nearest folder, from `start` (default: here) up, that holds .phift, .git or
    pyproject.toml, or .phift/ in `start`. Makes nothing."""
    if named := os.environ.get("PHIFT_HOME"):
        return Path(named).expanduser().resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if folder == Path.home() and folder != here:
            break
        if any((folder / marker).exists() for marker in _MARKERS):
            return folder / ".phift"
    return here / ".phift"
