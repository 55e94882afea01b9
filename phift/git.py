"""Questions to git about the folder that a file lies in."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

__all__ = ["Checkout", "checkout_of", "export", "git"]

_TIMEOUT = 30.0
"""Seconds."""
_CHUNK = 1 << 20  # bytes
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
    try:
        done = subprocess.run(
            [*_COMMAND, "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def _environment() -> dict[str, str]:
    # Inside a git hook these name the repository of the hook, whatever the folder.
    return {k: v for k, v in os.environ.items() if k not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}}


def export(folder: Path, commit: str, into: Path, wanted: Callable[[str], bool]) -> bool:
    """Writes the files of a commit whose path is wanted into a folder; False where git cannot read them.

    The bytes are those that are stored: unlike `git archive`, no filter runs, which is a program that the repository's
    configuration names. Links and submodules are left out. commit: its full hash. Raises OSError.
    """
    listed = git(folder, "ls-tree", "-r", "-z", "--full-tree", commit)
    if listed is None:
        return False
    files = [(oid, into / path) for oid, path in _regular_files(listed) if wanted(path)]
    with tempfile.TemporaryFile() as asked:
        asked.write(b"".join(oid + b"\n" for oid, _ in files))
        asked.seek(0)
        with subprocess.Popen(
            [*_COMMAND, "-C", str(folder), "cat-file", "--batch"],
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # What a partial clone lacks is not fetched: that may run a program too.
            env={**_environment(), "GIT_NO_LAZY_FETCH": "1"},
        ) as process:
            assert process.stdout is not None
            try:
                return all(_copied(process.stdout, path) for _, path in files)
            finally:
                process.kill()


def _regular_files(listed: bytes) -> Iterator[tuple[bytes, str]]:
    """Object and path of each, of what `ls-tree -z` prints. A tree can be made to hold paths that lead elsewhere."""
    for entry in listed.split(b"\0"):
        head, _, name = entry.partition(b"\t")
        mode, _, rest = head.partition(b" ")
        parts = os.fsdecode(name).split("/")
        if mode in (b"100644", b"100755") and not {"", ".", "..", ".git"} & set(parts):
            yield rest.rpartition(b" ")[2], "/".join(parts)


def _copied(source: IO[bytes], path: Path) -> bool:
    """Writes the next object of `cat-file --batch`; False where it is missing."""
    size = source.readline().rpartition(b" ")[2].strip()
    if not size.isdigit():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    left = int(size)
    with path.open("xb") as out:
        while left:
            chunk = source.read(min(left, _CHUNK))
            if not chunk:
                return False
            out.write(chunk)
            left -= len(chunk)
    return source.read(1) == b"\n"


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
