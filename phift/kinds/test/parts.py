"""What a test sends, and to whom."""

from __future__ import annotations

from dataclasses import dataclass

from phift.data.recipe import Recipe
from phift.spec import Expectation
from phift.state.exports import DeploymentExport

__all__ = ["TestParts"]


@dataclass(frozen=True)
class TestParts:
    """recipe: the rows. endpoint: its name. max_seconds: for one answer; None for any time."""

    __test__ = False

    recipe: Recipe
    endpoint: str
    deployment: DeploymentExport
    max_seconds: float | None
    expect: Expectation
