"""Comparisons of two trainings for programs: one JSON document each, with a `format_version`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phift.views.json import document
from phift.views.json_data import plain, split_difference

if TYPE_CHECKING:
    from phift.kinds.model.lookup import Trained
    from phift.phases.compare_metrics import Course, MetricsComparison
    from phift.phases.compare_versions import VersionDiff

__all__ = ["metrics", "version_diff"]


def metrics(found: MetricsComparison) -> str:
    """Return the two trainings, and the last and best value of each metric."""
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "before": {**_trained(found.before), "state": found.states[0]},
            "after": {**_trained(found.after), "state": found.states[1]},
            "metrics": _metrics(found),
        }
    )


def version_diff(found: VersionDiff) -> str:
    """Return what differs between two versions, by group. Groups that were not compared are null."""
    answers = found.answers
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "before": _trained(found.before),
            "after": _trained(found.after),
            "equal": found.equal,
            "lineage": [asdict(change) for change in found.lineage],
            "parameters": [asdict(change) for change in found.parameters],
            "unchanged": {"parameters": found.same_parameters, "data": found.same_splits},
            "data": [
                {
                    "split": one.split,
                    "before": one.before,
                    "after": one.after,
                    "rows": split_difference(one.rows.difference) if one.rows else None,
                    "why": one.why,
                }
                for one in found.data
            ],
            "metrics": _metrics(found.metrics) if found.metrics else None,
            "answers": asdict(answers) if answers else None,
            "notes": list(found.notes),
        }
    )


def _trained(one: Trained) -> dict[str, Any]:
    return {
        "label": one.label,
        "model": one.model,
        "version": one.version,
        "job": one.job,
        "stack": one.stack,
        "created": one.created,
        "measured": asdict(one.measured) if one.measured else None,
    }


def _metrics(found: MetricsComparison) -> list[dict[str, Any]]:
    rows = [
        {
            "name": row.name,
            "before": _course(row.before),
            "after": _course(row.after),
            "difference": row.difference,
        }
        for row in found.rows
    ]
    return [plain(row) for row in rows]


def _course(course: Course | None) -> dict[str, Any] | None:
    if course is None:
        return None
    best = course.best
    return {
        "points": len(course.points),
        "last": {"step": course.last.step, "value": course.last.value},
        "best": {"step": best.step, "value": best.value} if best else None,
    }
