"""What a data version is prepared from."""

from __future__ import annotations

from dataclasses import dataclass

from phift.data.recipe import Recipe

__all__ = ["DataParts"]


@dataclass(frozen=True)
class DataParts:
    """recipe: None where the source cannot be identified, of a stack that is only looked at or destroyed."""

    recipe: Recipe | None = None
