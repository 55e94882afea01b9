"""How the content of blobs is verified: digests in headers and metadata."""

from __future__ import annotations

import base64
import hashlib

__all__ = ["CHANGED", "DIGEST", "content_md5"]

DIGEST = "phift_digest"
"""Metadata key: the SHA-256 of the blob's content, in hex."""
CHANGED = "FileChanged"
"""Error code if a file does not match the given digest."""


def content_md5(data: bytes) -> str:
    """Return the Content-MD5 header, which protects against corruption, not against attackers."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
