"""The progress of a wait, and the result of a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.azure.operations import Operation

__all__ = ["Progress", "Written"]


@dataclass(frozen=True)
class Progress:
    """The progress of a wait: done, failed (error states why), or neither."""

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
    """The result of a write. outputs: known so far, for its wait and its dependents.

    operation: the operation that the service started; None if it did not start one, or if the object already existed.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    operation: Operation | None = None
