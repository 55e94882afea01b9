"""Where a wait stands, and what a write came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.azure.operations import Operation

__all__ = ["Progress", "Written"]


@dataclass(frozen=True)
class Progress:
    """Where a wait stands: done and well, failed (then error says why), or neither."""

    state: str
    done: bool = False
    error: Exception | None = None
    message: str = ""
    current: float = 0
    total: float = 0
    unit: str = ""
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What a write came to. outputs: already known of the object, for its waits and for those who depend on it.

    operation: what the service began to bring it about; None where it began none, or the object was found.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation | None = None
