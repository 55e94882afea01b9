"""Texts about an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.kinds.words import ResultBlock, StatusText

__all__ = ["result", "status"]


def status(row: StatusText) -> list[str]:
    """Return the address of the endpoint."""
    row.facts.pop("traffic", None)
    return [str(row.facts.pop("scoring_uri", ""))]


def result(outputs: Mapping[str, Any], local: bool) -> ResultBlock:
    """Return the address of the endpoint."""
    return ResultBlock("Endpoint", str(outputs.get("scoring_uri", "")))
