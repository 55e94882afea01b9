"""What the stand-in hub (tests/hub.py) keeps: files, repositories, faults, and the requests that it has seen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SIGNATURE", "Blob", "Fault", "Repository", "Seen"]

SIGNATURE = "s1gnatureOfTheCdn"
"""In the query of every address of the delivery network: it must never be shown to anybody."""
_LFS = 1 << 20  # bytes; also any suffix of _ALWAYS_LFS
_ALWAYS_LFS = (".parquet", ".arrow", ".gz", ".zip")


@dataclass(frozen=True)
class Blob:
    """A file's content, on disk. lfs: kept outside git, so that listings tell its SHA-256."""

    path: Path
    size: int
    sha256: str
    lfs: bool
    oid: str

    @classmethod
    def of(cls, path: Path, name: str) -> Blob:
        size = path.stat().st_size
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        lfs = size >= _LFS or name.endswith(_ALWAYS_LFS)
        tracked = f"oid sha256:{digest}\n".encode() if lfs else path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(tracked) + tracked, usedforsecurity=False)
        return cls(path, size, digest, lfs, git.hexdigest())

    def entry(self, path: str) -> dict[str, Any]:
        """As listings show it."""
        shown: dict[str, Any] = {"type": "file", "oid": self.oid, "size": self.size, "path": path}
        if self.lfs:
            shown["lfs"] = {"oid": self.sha256, "size": self.size, "pointerSize": 134}
            shown["xetHash"] = self.sha256[::-1]
        return shown


@dataclass
class Repository:
    """A data set or model. commits: files by commit; branches, tags: commit by name; gated: "" | "auto" | "manual"."""

    id: str
    gated: str = ""
    private: bool = False
    licence: str = "mit"
    commits: dict[str, dict[str, Blob]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def sha(self, revision: str) -> str:
        """The commit of a branch, tag or commit; "" when there is none."""
        named = self.branches.get(revision) or self.tags.get(revision)
        return named or (revision if revision in self.commits else "")


@dataclass
class Fault:
    """What goes wrong with the next `times` requests whose address matches `match`, after `skip` sound ones.

    status, headers: answer so. drop: close without an answer. cut: close after that many bytes of the body. flip:
    change the byte at that place of the file. no_range: answer with the whole file. delay: seconds before the answer.
    etag: say this in X-Linked-ETag.
    """

    match: str
    times: int = 1
    skip: int = 0
    method: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: int = -1
    flip: int = -1
    no_range: bool = False
    delay: float = 0.0
    etag: str = ""


@dataclass(frozen=True)
class Seen:
    """A request. host: hub | cdn; path: with its query; range, token: "" where it had none; sent: bytes of the body."""

    host: str
    method: str
    path: str
    range: str
    token: str
    agent: str
    status: int
    sent: int
