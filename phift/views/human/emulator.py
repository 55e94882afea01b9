"""`phift emulator status`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phift.views.human.values import duration, table, value

__all__ = ["status"]


def status(found: Mapping[str, Any] | None, home: Path) -> str:
    """Return the emulator's status, one line per fact, or one sentence if it is not running."""
    if found is None:
        return f"The emulator is not running (home {home}). Target `local` starts it automatically."
    rows = []
    for name, said in found.items():
        if isinstance(said, Mapping):
            said = ", ".join(f"{key} {value(item)}" for key, item in said.items())
        elif name.endswith("_seconds"):
            name, said = name.removesuffix("_seconds"), duration(float(said))
        rows.append((name.replace("_", " "), said if isinstance(said, str) else value(said)))
    return "\n".join(["The emulator is running.", *table(rows, indent="  ")])
