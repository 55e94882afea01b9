"""Texts shared by kinds."""

from __future__ import annotations

from phift.kinds.words import Words
from phift.lazy import lazy_pattern

__all__ = ["ARCHIVE", "short_uri"]

ARCHIVE = Words("archive", "will be archived", "Archiving...", "Still archiving...", "Archived")

_DIGEST = lazy_pattern(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


def short_uri(uri: str) -> str:
    """Return the path in the datastore, with the digest shortened to twelve digits. uri: or the URL of a blob."""
    blob = uri.partition("://")[2].partition("/")[2].partition("/")[2]
    return _DIGEST.sub(r"\1...", uri.partition("/paths/")[2] or blob)
