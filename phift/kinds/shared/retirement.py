"""Retirements that are reported in advance."""

from __future__ import annotations

from datetime import date, timedelta

__all__ = ["is_near"]

_SOON = timedelta(days=90)


def is_near(day: date, today: date) -> bool:
    """Return whether a retirement is in the future and near enough to report it."""
    return today < day <= today + _SOON
