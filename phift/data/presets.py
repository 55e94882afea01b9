"""The table of presets: shapes of published data sets, and which of them some columns have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["AS_IS", "Preset", "nearest", "presets", "recognised"]

AS_IS = "ultrachat"
"""The schema that phift writes: nothing is mapped."""


@dataclass(frozen=True)
class Preset:
    """name: as a spec says it. needs, may: its columns. mapping: what it means, as `messages` of a recipe; None for
    rows that have `messages` as they are."""

    name: str
    needs: tuple[str, ...]
    may: tuple[str, ...]
    mapping: Mapping[str, Any] | None

    def fits(self, columns: Collection[str]) -> bool:
        """Whether these columns are exactly its own, those that it may have left out or not."""
        return set(self.needs) <= set(columns) <= {*self.needs, *self.may}


@cache
def presets() -> Mapping[str, Preset]:
    """By name, in the order of the table."""
    text = files("phift.data").joinpath("presets.yaml").read_text(encoding="utf-8")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    table: dict[str, dict[str, Any]] = yaml.load(text, Loader=loader)
    return {
        name: Preset(
            name,
            tuple(entry.pop("needs")),
            tuple(entry.pop("may")),
            entry or None,
        )
        for name, entry in table.items()
    }


def recognised(columns: Collection[str]) -> Preset | None:
    """The one preset whose columns these are exactly; None where none fits, or several that mean different things.

    A column `messages` is taken as it is: whatever else there is, is left out. Preference pairs fit none: which side is
    meant must be said.
    """
    if "messages" in columns:
        return presets()[AS_IS]
    if "rejected" in columns:
        return None
    fitting = [preset for preset in presets().values() if preset.fits(columns)]
    return fitting[0] if len(fitting) == 1 else None


def nearest(columns: Collection[str]) -> Preset | None:
    """The preset whose needed columns these have most of; None where they have none of any."""
    scored = [(len(set(p.needs) & set(columns)) / len(p.needs), p) for p in presets().values()]
    best = max(scored, key=lambda pair: pair[0])
    return best[1] if best[0] > 0 else None
