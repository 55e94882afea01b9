"""All that a stack has in the workspace, in words that are the same for every stack: what an apply must come to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from support import Embedded, Project

from phift.azure.session import Azure
from phift.emulator.host import lifecycle
from phift.errors import NotFoundError
from phift.kinds.shared.monitor import SETTINGS_API, settings_path
from phift.ledger.journal import open_intents
from phift.state.ownership import DIGEST, STACK

__all__ = ["require_settled", "world"]

_API = "2024-10-01"


def world(project: Project) -> dict[str, Any]:
    """Computes, data versions, jobs, model versions, endpoint with its split, deployments, autoscale settings.

    Versions that earlier edits left behind are not in it, only how many do not belong to the newest training.
    """
    found = _of_stack(project, "onlineEndpoints")
    endpoints = [_endpoint(project, raw) for raw in found]
    shares = {name.lower(): n for raw in found for name, n in (raw["properties"].get("traffic") or {}).items()}
    return {
        "computes": [_compute(raw) for raw in _of_stack(project, "computes")],
        "data": sorted(
            (split, len(list(_list(project, f"data/{project.stack}-{split}/versions", listViewType="All"))))
            for split in ("train", "test")
        ),
        "jobs": sorted({job["properties"]["status"] for job in project.jobs()}),
        "endpoints": endpoints,
        "settings": sorted(_setting(raw, shares) for raw in _settings(project)),
    }


def require_settled(project: Project) -> None:
    """Nothing was done twice, nothing was left behind, and nothing is left to do."""
    jobs = [job["properties"]["tags"][DIGEST] for job in project.jobs()]
    assert len(jobs) == len(set(jobs)), f"a training ran twice: {jobs}"
    models = list(_list(project, f"models/{project.stack}/versions", listViewType="All"))
    trained_by = [model["properties"].get("jobName") or model["properties"]["modelUri"] for model in models]
    assert len(trained_by) == len(set(trained_by)) == len(jobs), f"not a model version a job: {trained_by} {jobs}"
    assert open_intents(_session(project.embedded.home).blobs, project.stack) == ()


def _compute(raw: dict[str, Any]) -> Any:
    inner = raw["properties"]["properties"]
    return inner["vmSize"], inner["scaleSettings"]["maxNodeCount"], raw["properties"]["provisioningState"]


def _endpoint(project: Project, raw: dict[str, Any]) -> dict[str, Any]:
    newest = max(
        _list(project, f"models/{project.stack}/versions", listViewType="All"), key=lambda model: int(model["name"])
    )["name"]
    split = {name.lower(): share for name, share in (raw["properties"].get("traffic") or {}).items() if share}
    deployments = [
        {
            "type": one["properties"]["instanceType"],
            "count": one["sku"]["capacity"],
            "state": one["properties"]["provisioningState"],
            "newest model": one["properties"]["model"].endswith(f"/{newest}"),
            "tags": sorted((k, v) for k, v in one["tags"].items() if not k.startswith("phift.")),
            "share": split.get(one["name"].lower(), 0),
        }
        for one in _list(project, f"onlineEndpoints/{raw['name']}/deployments")
    ]
    return {"state": raw["properties"]["provisioningState"], "shares": list(split.values()), "deployments": deployments}


def _settings(project: Project) -> list[dict[str, Any]]:
    azure = _session(project.embedded.home)
    found = azure.arm.list(settings_path(azure.workspace), SETTINGS_API)
    return [raw for raw in found if (raw.get("tags") or {}).get(STACK) == project.stack]


def _setting(raw: dict[str, Any], shares: dict[str, int]) -> Any:
    """The traffic of its deployment, and what it allows."""
    target = raw["properties"]["targetResourceUri"].rpartition("/")[2].lower()
    capacity = raw["properties"]["profiles"][0]["capacity"]
    return shares.get(target, 0), raw["properties"]["enabled"], sorted(capacity.items())


def _of_stack(project: Project, collection: str) -> list[dict[str, Any]]:
    return [raw for raw in _list(project, collection) if (raw.get("tags") or {}).get(STACK) == project.stack]


@cache
def _session(home: Path) -> Azure:
    """One for all: a new one begins with tokens and handshakes."""
    connection = lifecycle.find(home)
    assert connection is not None
    return Embedded(home, connection).azure()


def _list(project: Project, path: str, **query: str) -> Iterator[dict[str, Any]]:
    azure = _session(project.embedded.home)
    try:
        yield from azure.arm.list(f"{azure.workspace.arm_id}/{path}", _API, **query)
    except NotFoundError:
        return
