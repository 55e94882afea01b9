"""`phift emulator status`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phift.views.human.values import duration, table, value

__all__ = ["status"]


def status(found: Mapping[str, Any] | None, home: Path) -> str:
    """What it says of itself, a line a fact; one sentence when it does not run."""
    if found is None:
        return f"Embedded Azure ML is not running (home {home}). It starts by itself for target local."
    rows = []
    for name, said in found.items():
        if isinstance(said, Mapping):
            said = ", ".join(f"{key} {value(item)}" for key, item in said.items())
        elif name.endswith("_seconds"):
            name, said = name.removesuffix("_seconds"), duration(float(said))
        rows.append((name.replace("_", " "), said if isinstance(said, str) else value(said)))
    return "\n".join(["Embedded Azure ML is running.", *table(rows, indent="  ")])
