"""The table of presets for common data set layouts, and their detection from columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["AS_IS", "Preset", "nearest", "presets", "recognised"]

AS_IS = "ultrachat"
"""phift's own schema: no mapping."""


@dataclass(frozen=True)
class Preset:
    """name: as in a spec. needs, may: its required and optional columns. mapping: its definition, as `messages` of a
    recipe; None for rows that already have `messages`."""

    name: str
    needs: tuple[str, ...]
    may: tuple[str, ...]
    mapping: Mapping[str, Any] | None

    def fits(self, columns: Collection[str]) -> bool:
        """Return whether these columns are exactly its required columns and any of its optional ones."""
        return set(self.needs) <= set(columns) <= {*self.needs, *self.may}


@cache
def presets() -> Mapping[str, Preset]:
    """Return the presets by name, in table order."""
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
    """Return the only preset that matches these columns; None if none matches, or several with different meanings.

    A column `messages` is used unchanged, and all other columns are ignored. Preference pairs match no preset: the user
    must choose a side.
    """
    if "messages" in columns:
        return presets()[AS_IS]
    if "rejected" in columns:
        return None
    fitting = [preset for preset in presets().values() if preset.fits(columns)]
    return fitting[0] if len(fitting) == 1 else None


def nearest(columns: Collection[str]) -> Preset | None:
    """Return the preset with the most required columns present; None if no required column of any is present."""
    scored = [(len(set(p.needs) & set(columns)) / len(p.needs), p) for p in presets().values()]
    best = max(scored, key=lambda pair: pair[0])
    return best[1] if best[0] > 0 else None
