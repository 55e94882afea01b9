"""Digests of plain values: equal content has the same digest on every machine and in every release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["canonical_json", "digest_of", "file_digest", "file_md5"]

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


def file_md5(path: Path) -> str:
    """Return the MD5 of a file, 32 hex digits, as stored by blob storage."""
    import hashlib

    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
