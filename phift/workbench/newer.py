"""Pinned assets with newer versions."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Newer"]


@dataclass(frozen=True)
class Newer:
    """A pinned asset with a newer version."""

    what: str
    pinned: str
    newest: str
