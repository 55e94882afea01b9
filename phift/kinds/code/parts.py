"""The parts of a code version."""

from __future__ import annotations

from dataclasses import dataclass

from phift.folders import Folder

__all__ = ["CodeParts"]


@dataclass(frozen=True)
class CodeParts:
    """folder: None if it is not available and the command does not create anything."""

    folder: Folder | None = None
