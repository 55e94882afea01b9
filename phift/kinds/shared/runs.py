"""The run history of a job: served on the workspace's data plane, readable before the job has ended.

A registry component runs as a pipeline inside the pipeline, so its steps are grandchildren of the job; both depths are
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.azure.session import Azure

__all__ = ["FINETUNE", "leaf_runs", "name_of", "run_details", "run_document"]

FINETUNE = "finetune"
"""Part of the display name of the step that trains."""

_VERSION = "v1.0"
_DEPTH = 2


def run_document(azure: Azure, run_id: str) -> dict[str, Any]:
    """Return the document of a run. Raises AzureError, and NotFoundError before the job has a run."""
    return azure.data_plane.get(_path(azure, run_id), _VERSION)


def run_details(azure: Azure, run_id: str) -> dict[str, Any]:
    """Return the details document of a run: status, logFiles with signed addresses, error. Raises AzureError."""
    return azure.data_plane.get(f"{_path(azure, run_id)}/details", _VERSION)


def leaf_runs(azure: Azure, run_id: str, depth: int = _DEPTH) -> Iterator[dict[str, Any]]:
    """Yield the runs without children below a run, oldest first. Raises AzureError."""
    for raw in azure.data_plane.list(f"{_path(azure, run_id)}/children", _VERSION):
        nested = depth > 1 and "pipeline" in str(raw.get("runType", "")).lower()
        below = list(leaf_runs(azure, str(raw["runId"]), depth - 1)) if nested else []
        yield from below or [raw]


def name_of(raw: Mapping[str, Any]) -> str:
    """Return the display name of a run, else its id."""
    return str(raw.get("displayName") or raw["runId"])


def _path(azure: Azure, run_id: str) -> str:
    return f"history/v1.0{azure.workspace.arm_id}/runs/{run_id}"
