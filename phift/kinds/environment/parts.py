"""The parts of an environment version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phift.folders import Folder

__all__ = ["EnvironmentParts"]


@dataclass(frozen=True)
class EnvironmentParts:
    """image: "" with a build context. conda: the parsed conda file, or None. build: the context, if available.

    routes: by name (liveness_route, ...) path and port.
    """

    image: str = ""
    conda: Mapping[str, Any] | None = None
    build: Folder | None = None
    dockerfile: str = ""
    routes: Mapping[str, Mapping[str, Any]] | None = None
