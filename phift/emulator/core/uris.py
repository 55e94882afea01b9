"""azureml:// URIs of data: the forms clients send, and the one the service keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phift.emulator.core.workspace import Workspace

__all__ = ["DatastorePath", "JobOutput", "parse_datastore_uri", "parse_job_output"]

_SHORT = re.compile(r"azureml://datastores/(?P<store>[^/]+)/paths/?(?P<path>.*)", re.IGNORECASE | re.DOTALL)
_LONG = re.compile(
    r"azureml://subscriptions/(?P<sub>[^/]+)/resourcegroups/(?P<rg>[^/]+)/"
    r"(?:providers/Microsoft\.MachineLearningServices/)?workspaces/(?P<ws>[^/]+)/datastores/(?P<store>[^/]+)/paths/?(?P<path>.*)",
    re.IGNORECASE | re.DOTALL,
)
_JOB_OUTPUT = re.compile(
    r"azureml://jobs/(?P<job>[^/]+)/outputs/(?P<output>[^/]+)(?:/paths/?(?P<path>.*))?/?", re.IGNORECASE
)


@dataclass(frozen=True)
class DatastorePath:
    """A path in a datastore of the workspace."""

    datastore: str
    path: str

    def long(self, workspace: Workspace, *, groups: str = "resourceGroups") -> str:
        """The URI with the workspace in it. groups: models are kept with `resourceGroups`, data with `resourcegroups`
        (recorded 2026-03)."""
        return (
            f"azureml://subscriptions/{workspace.subscription_id}/{groups}/{workspace.resource_group}"
            f"/workspaces/{workspace.name}/datastores/{self.datastore}/paths/{self.path}"
        )


@dataclass(frozen=True)
class JobOutput:
    """An output of a job, or a path under it."""

    job: str
    output: str
    path: str


def parse_datastore_uri(uri: str, workspace: Workspace | None = None) -> DatastorePath | None:
    """The datastore path a short or long URI names; None for every other URI. workspace: the one that a long URI must
    name, where it matters."""
    if found := _SHORT.fullmatch(uri):
        return DatastorePath(found["store"], found["path"])
    found = _LONG.fullmatch(uri)
    if found is None or (workspace and not _names(found, workspace)):
        return None
    return DatastorePath(found["store"], found["path"])


def _names(found: re.Match[str], workspace: Workspace) -> bool:
    own = (workspace.subscription_id, workspace.resource_group, workspace.name)
    return [found[each].casefold() for each in ("sub", "rg", "ws")] == [each.casefold() for each in own]


def parse_job_output(uri: str) -> JobOutput | None:
    """The job output that azureml://jobs/{job}/outputs/{output}[/paths/{path}] names; None for every other URI."""
    found = _JOB_OUTPUT.fullmatch(uri)
    return JobOutput(found["job"], found["output"].rstrip("/"), (found["path"] or "").strip("/")) if found else None
