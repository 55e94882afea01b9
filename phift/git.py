"""Query Git about the folder of a file."""

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
    # Git otherwise rejects a checkout owned by another user (CI containers); these commands run no program from the
    # repository's configuration.
    "-c",
    "safe.directory=*",
    "-c",
    "core.fsmonitor=false",
)


@dataclass(frozen=True)
class Checkout:
    """top: the work tree's root, resolved. remote: the URL of `origin`, else of the only remote, which may contain
    credentials; empty if there is none."""

    top: Path
    remote: str


def git(folder: Path, *arguments: str) -> bytes | None:
    """Return the output of Git, or None if it fails. Raises FileNotFoundError if Git is not installed."""
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
    # In a Git hook, these variables refer to the hook's repository, regardless of the folder.
    return {k: v for k, v in os.environ.items() if k not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}}


def export(folder: Path, commit: str, into: Path, wanted: Callable[[str], bool]) -> bool:
    """Write the wanted files of a commit to a folder; return False if Git cannot read them.

    Writes the stored bytes: unlike `git archive`, runs no filters, which are programs from the repository's
    configuration. Links and submodules are omitted. commit: its full hash. Raises OSError.
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
            # Do not fetch missing objects of a partial clone: that may run a program, too.
            env={**_environment(), "GIT_NO_LAZY_FETCH": "1"},
        ) as process:
            assert process.stdout is not None
            try:
                return all(_copied(process.stdout, path) for _, path in files)
            finally:
                process.kill()


def _regular_files(listed: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield object and path of each entry of `ls-tree -z`, without malicious paths that leave the tree."""
    for entry in listed.split(b"\0"):
        head, _, name = entry.partition(b"\t")
        mode, _, rest = head.partition(b" ")
        parts = os.fsdecode(name).split("/")
        if mode in (b"100644", b"100755") and not {"", ".", "..", ".git"} & set(parts):
            yield rest.rpartition(b" ")[2], "/".join(parts)


def _copied(source: IO[bytes], path: Path) -> bool:
    """Write the next object of `cat-file --batch`; return False if it is missing."""
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
    """Return the work tree of a folder; None if there is none, or Git is not installed."""
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
