"""What people are told of an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.kinds.words import ResultBlock, StatusText

__all__ = ["result", "status"]


def status(row: StatusText) -> list[str]:
    """Its address."""
    row.facts.pop("traffic", None)
    return [str(row.facts.pop("scoring_uri", ""))]


def result(outputs: Mapping[str, Any], local: bool) -> ResultBlock:
    """Its address."""
    return ResultBlock("Endpoint", str(outputs.get("scoring_uri", "")))
