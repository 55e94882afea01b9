"""The folder of phift's own files on this machine: PHIFT_HOME, or `.phift` in the project.

HOME/cache/KIND/{key}.json      small facts about local files, remembered between commands
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["locate", "recall", "remember"]

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


def recall(kind: str, key: str) -> Any:
    """Return a remembered value; None if there is none, or if it cannot be read. It may be of any JSON type."""
    try:
        return json.loads((locate() / "cache" / kind / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def remember(kind: str, key: str, value: Any) -> None:
    """Store a JSON value under a key that is a file name. A cache that is not writable is not an error."""
    root = locate()
    folder = root / "cache" / kind
    with contextlib.suppress(OSError):
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (root / ".gitignore").exists():
            (root / ".gitignore").write_text("*\n")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{key}.{os.getpid()}"
        draft.write_text(json.dumps(value), encoding="utf-8")
        draft.replace(folder / f"{key}.json")
