"""The lock file as a command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.lock import update_lock
from phift.phases.request import Connector, Request
from phift.phases.workbench import open_workbench

__all__ = ["LockReport", "lock"]


@dataclass(frozen=True)
class LockReport:
    """path: of the lock file. changes: (what, before, now) written to it. newer: (what, pinned, newest) left alone."""

    path: Path
    changes: tuple[tuple[str, str, str], ...]
    newer: tuple[tuple[str, str, str], ...]


def lock(request: Request, connect: Connector, *, upgrade: bool = False) -> LockReport:
    """Pins what floats and is not pinned yet; with upgrade, everything that floats anew."""
    bench = open_workbench(request, connect, upgrade=upgrade)
    before = bench.pinned.model_dump(mode="json", exclude_none=True)
    now = bench.resolved.pins.model_dump(mode="json", exclude_none=True)
    update_lock(bench.lock_path, {bench.loaded.stack: bench.resolved.pins})
    return LockReport(
        bench.lock_path,
        tuple(_changes(before, now)),
        tuple((n.what, n.pinned, n.newest) for n in bench.resolved.newer),
    )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(new, Mapping) and isinstance(old, Mapping | None):
            yield from _changes(old or {}, new, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key}", "" if old is None else str(old), "" if new is None else str(new)
