"""What a compiled mapping is."""

from __future__ import annotations

from typing import Any, Protocol

from phift.data.problems import Problem

__all__ = ["RowMapper"]


class RowMapper(Protocol):
    """Gives a row its `messages`. columns: those that it reads; None where a template may read any."""

    columns: tuple[str, ...] | None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any] | Problem: ...
