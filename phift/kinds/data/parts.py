"""The parts of a data version."""

from __future__ import annotations

from dataclasses import dataclass

from phift.data.recipe import Recipe

__all__ = ["DataParts"]


@dataclass(frozen=True)
class DataParts:
    """recipe: None if the source cannot be identified and the command only inspects or destroys the stack."""

    recipe: Recipe | None = None
