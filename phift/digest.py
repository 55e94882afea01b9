"""Digests of plain values: equal content has the same digest on every machine and in every release."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from phift import home

__all__ = ["canonical_json", "digest_of", "file_digest", "file_md5", "known_digest"]

_LARGE = 64 * 1024 * 1024
"""Bytes from which a digest is remembered: a smaller file is read in less than a tenth of a second."""
_SETTLED = 2_000_000_000
"""Nanoseconds after its last change from which a change of a file is certain to change its times too."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and no NaN; raises ValueError or TypeError on what JSON cannot say."""
    return _CANONICAL.encode(value)


def digest_of(value: Any, length: int = 64) -> str:
    """Return the first `length` hex digits (at most 64) of the SHA-256 of the value's canonical JSON."""
    from hashlib import sha256  # slow to import, and a spec that is only checked has no digest

    return sha256(canonical_json(value).encode()).hexdigest()[:length]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits, read in chunks."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def known_digest(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits: that of a large file is remembered until the file changes.

    A file has changed if its size, its inode, its time of modification or its time of change, which programs cannot
    set, differ. Use file_digest to verify a file that was received. Raises OSError.
    """
    status = path.stat()
    if status.st_size < _LARGE:
        return file_digest(path)
    key, seen = digest_of(str(path.resolve())), _seen(status)
    known = home.recall("digests", key)
    if isinstance(known, dict) and known.get("file") == seen and isinstance(known.get("sha256"), str):
        return str(known["sha256"])
    found = file_digest(path)
    if _seen(path.stat()) == seen and time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _SETTLED:
        home.remember("digests", key, {"file": seen, "sha256": found})
    return found


def _seen(status: os.stat_result) -> list[int]:
    return [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def file_md5(path: Path) -> str:
    """Return the MD5 of a file, 32 hex digits, as stored by blob storage."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
