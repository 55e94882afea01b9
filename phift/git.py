"""Questions to git about the folder that a file lies in."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Checkout", "checkout_of", "git"]

_TIMEOUT = 30.0
"""Seconds."""
_COMMAND = (
    "git",
    # A checkout that another user owns (containers of CI) is refused otherwise; what is asked here runs no program
    # that the repository's own configuration names.
    "-c",
    "safe.directory=*",
    "-c",
    "core.fsmonitor=false",
)


@dataclass(frozen=True)
class Checkout:
    """top: the work tree's root, resolved. remote: the address of `origin`, else of the only remote, as git gives it,
    which may hold credentials; empty where there is none."""

    top: Path
    remote: str


def git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it fails. Raises FileNotFoundError where git is not installed."""
    # Inside a git hook these name the repository of the hook, whatever the folder.
    environment = {k: v for k, v in os.environ.items() if k not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}}
    try:
        done = subprocess.run(
            [*_COMMAND, "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def checkout_of(folder: Path) -> Checkout | None:
    """The work tree that a folder is in; None where there is none, or no git."""
    try:
        top = _line(git(folder, "rev-parse", "--show-toplevel"))
    except OSError:
        return None
    if not top:
        return None
    remotes = (git(folder, "remote") or b"").decode(errors="replace").split()
    chosen = "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else ""
    return Checkout(Path(top).resolve(), _line(git(folder, "remote", "get-url", chosen)) if chosen else "")


def _line(output: bytes | None) -> str:
    return (output or b"").decode(errors="surrogateescape").strip()
