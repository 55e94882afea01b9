"""Inspect the rows that a spec trains on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phift.api._spec import SpecHandle
from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.phases.compare_data import DataDiff
    from phift.phases.inspect_data import DataStats, Preview

__all__ = ["data_diff", "data_preview", "data_stats"]


def data_preview(
    spec: SpecHandle, *, split: str = "", rows: int = 5, random: bool = False, seed: int = 0, raw: bool = False
) -> Preview:
    """Return some rows of a split (default: train) in their training form. raw: all source columns, unmapped.

    Raises InvalidSpecError (exit code 1), UsageError (1), phift.data.hub.HubError (1), and AzureError (1) for data in
    the workspace.
    """
    from phift.phases import inspect_data

    if rows < 1:
        raise UsageError(f"rows must be at least 1, not {rows}")
    return inspect_data.preview(spec._request, spec._sessions, split, count=rows, random=random, seed=seed, raw=raw)


def data_stats(spec: SpecHandle, *, split: str = "", rows: int | None = None) -> DataStats:
    """Return statistics of one split or all: rows, tokens, duplicates and more. rows: measure only the first N rows.

    If the spec has data.checks, results over all rows are pinned in phift.lock. Raises as `data_preview`.
    """
    from phift.phases import inspect_data

    return inspect_data.data_stats(spec._request, spec._sessions, split, rows=rows)


def data_diff(spec: SpecHandle, *, before: str, after: str = "", split: str = "") -> DataDiff:
    """Compare the rows of two specs, Git refs (`REF:SPEC`) or data versions. after: default is this spec.

    Raises as `data_preview`.
    """
    from phift.phases import compare_data

    return compare_data.data_diff(spec._request, before, after or str(spec.path), spec._sessions, split=split)
