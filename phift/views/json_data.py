"""`phift data` for programs: one JSON document each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phift.views.json import diagnostics, document

if TYPE_CHECKING:
    from phift.data.compare import Difference, RowChange
    from phift.data.prepare import Prepared
    from phift.data.stats import Measures
    from phift.phases.compare_data import DataDiff
    from phift.phases.inspect_data import DataStats, Preview

__all__ = ["diff", "plain", "prepared", "preview", "split_difference", "stats"]


def preview(found: Preview) -> str:
    """Return whole rows. `row` is the prepared row, or the source row for raw and unfit rows, null if unreadable.
    `fit` is null for raw rows, which are not checked."""
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "split": found.split,
            "source": found.source,
            "picked": found.picked,
            "raw": found.raw,
            "columns": dict(found.columns),
            "rows": [
                {
                    "file": one.file,
                    "number": one.number,
                    "fit": None if found.raw else not one.problems,
                    "skipped": one.skipped,
                    "problems": [asdict(problem) for problem in one.problems],
                    "row": plain(one.row),
                }
                for one in found.rows
            ],
        }
    )


def plain(value: Any) -> Any:
    """Convert to JSON values: null for NaN and infinity, text for types that JSON lacks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def stats(found: DataStats) -> str:
    """Return statistics by split, and the findings of the spec's data checks."""
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "limit": {"tokens": found.limit.tokens, "what": found.limit.what},
            "splits": {
                one.split: {
                    "version": one.version,
                    "basis": one.basis,
                    "dropped": dict(one.dropped),
                    "refused": one.refused,
                    **_measures(one.measures),
                    "in_train": one.shared,
                }
                for one in found.splits
            },
            "findings": diagnostics(found.findings),
            "pinned": found.pinned,
        }
    )


def _measures(measures: Measures) -> dict[str, Any]:
    return {
        "rows": measures.rows,
        "turns": asdict(measures.turns),
        "characters": asdict(measures.characters),
        "tokens": asdict(measures.tokens),
        "tokens_by": measures.counted_by,
        "cut": measures.cut,
        "duplicates": measures.duplicates,
        "personal": dict(measures.personal),
    }


def diff(found: DataDiff) -> str:
    """Return counts by split, and the first few rows of each kind; `counts` is null for a split of only one side."""
    return document(
        {
            "format_version": "1.0",
            "before": found.before,
            "after": found.after,
            "equal": found.equal,
            "splits": {
                one.split: {
                    "before": one.before or None,
                    "after": one.after or None,
                    "equal": one.equal,
                    **split_difference(one.difference),
                }
                for one in found.splits
            },
        }
    )


def split_difference(difference: Difference | None) -> dict[str, Any]:
    """Return the counts, and the first few rows of each kind; without counts for a split of only one side."""
    if difference is None:
        return {"counts": None, "reordered": False, "added": [], "removed": [], "changed": []}
    counted = ("same", "added", "removed", "changed")
    return {
        "counts": {name: getattr(difference, name) for name in counted},
        "reordered": difference.reordered,
        "added": [_change(one) for one in difference.first_added],
        "removed": [_change(one) for one in difference.first_removed],
        "changed": [_change(one) for one in difference.first_changed],
    }


def _change(change: RowChange) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    return {name: {"number": side[0], "row": side[1]} for name, side in sides.items() if side is not None}


def prepared(stack: str, files: Mapping[str, tuple[str, str, Prepared]]) -> str:
    """Return by split: version, path, rows, bytes, SHA-256 and the number of dropped rows by reason."""
    return document(
        {
            "format_version": "1.0",
            "stack": stack,
            "splits": {
                name: {
                    "version": version,
                    "path": path,
                    "rows": made.rows,
                    "bytes": made.size,
                    "sha256": made.digest,
                    "dropped": dict(made.skipped),
                }
                for name, (version, path, made) in files.items()
            },
        }
    )
