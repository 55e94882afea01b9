"""Measured times of a finished training, from its run history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.azure.session import Azure
from phift.clock import moment
from phift.errors import AzureError
from phift.kinds.shared.runs import FINETUNE, leaf_runs, name_of, run_document
from phift.state.measured import Measured

__all__ = ["measured"]

_Span = tuple[float, float]


def measured(azure: Azure, job: str, *, size: str, nodes: int, tokens: int) -> Measured | None:
    """Return the times of a job. size, nodes, tokens: see Measured.

    None if the run history does not have them or cannot be read: only later estimates are affected.
    """
    try:
        created = _seconds(run_document(azure, job).get("createdUtc"))
        steps = [(name_of(raw), span) for raw in leaf_runs(azure, job) if (span := _span(raw))]
    except AzureError:
        return None
    trained = [span for name, span in steps if FINETUNE in name]
    if not trained or created is None:
        return None
    first, last = min(start for _, (start, _) in steps), max(end for _, (_, end) in steps)
    train_start, train_end = min(start for start, _ in trained), max(end for _, end in trained)
    train = train_end - train_start
    if train <= 0:
        return None
    phases = {"start": first - created, "before": train_start - first, "train": train, "after": last - train_end}
    return Measured(size, nodes, **{name: max(0.0, round(value, 3)) for name, value in phases.items()}, tokens=tokens)


def _span(raw: Mapping[str, Any]) -> _Span | None:
    start, end = _seconds(raw.get("startTimeUtc")), _seconds(raw.get("endTimeUtc"))
    return None if start is None or end is None else (start, end)


def _seconds(text: Any) -> float | None:
    found = moment(str(text))
    return found.timestamp() if found else None
