"""The interface of a compiled mapping."""

from __future__ import annotations

from typing import Any, Protocol

from phift.data.problems import Problem

__all__ = ["RowMapper"]


class RowMapper(Protocol):
    """Adds `messages` to a row. columns: those it reads; None if a template may read any."""

    columns: tuple[str, ...] | None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any] | Problem: ...
