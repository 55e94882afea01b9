"""Measured times of a finished training, from its run history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from phift.azure.session import Azure
from phift.errors import AzureError
from phift.state.measured import Measured

__all__ = ["measured"]

_VERSION = "v1.0"
_DEPTH = 2
_TRAINS = "finetune"
"""Part of the display name of the step that trains."""

_Span = tuple[float, float]


def measured(azure: Azure, job: str, *, size: str, nodes: int, tokens: int) -> Measured | None:
    """Return the times of a job. size, nodes, tokens: see Measured.

    None if the run history does not have them or cannot be read: only later estimates are affected.
    """
    base = f"history/v1.0{azure.workspace.arm_id}"
    try:
        created = _seconds(azure.data_plane.get(f"{base}/runs/{job}", _VERSION).get("createdUtc"))
        steps = [(name, span) for name, raw in _leaves(azure, base, job, _DEPTH) if (span := _span(raw))]
    except AzureError:
        return None
    trained = [span for name, span in steps if _TRAINS in name]
    if not trained or created is None:
        return None
    first, last = min(span[0] for _, span in steps), max(span[1] for _, span in steps)
    begun, ended = min(start for start, _ in trained), max(end for _, end in trained)
    train = ended - begun
    if train <= 0:
        return None
    phases = {"start": first - created, "before": begun - first, "train": train, "after": last - ended}
    return Measured(size, nodes, **{name: max(0.0, round(value, 3)) for name, value in phases.items()}, tokens=tokens)


def _leaves(azure: Azure, base: str, run: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the runs without children below a run, with their display names."""
    for raw in azure.data_plane.list(f"{base}/runs/{run}/children", _VERSION):
        nested = depth > 1 and "pipeline" in str(raw.get("runType", "")).lower()
        below = list(_leaves(azure, base, str(raw["runId"]), depth - 1)) if nested else []
        yield from below or [(str(raw.get("displayName") or ""), raw)]


def _span(raw: Mapping[str, Any]) -> _Span | None:
    start, end = _seconds(raw.get("startTimeUtc")), _seconds(raw.get("endTimeUtc"))
    return None if start is None or end is None else (start, end)


def _seconds(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
