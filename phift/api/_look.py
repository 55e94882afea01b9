"""Inspect the stack and invoke the endpoint. Nothing here writes to the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from phift.api._spec import SpecHandle
from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.ledger.journal import Record
    from phift.phases.call_endpoint import Answered
    from phift.phases.chat import Chat
    from phift.phases.compare_metrics import MetricsComparison
    from phift.phases.compare_versions import VersionDiff
    from phift.phases.detect_drift import Drift
    from phift.phases.read_logs import Metrics
    from phift.phases.show_status import Status

__all__ = [
    "compare_metrics",
    "compare_versions",
    "drift",
    "history",
    "invoke",
    "logs",
    "metrics",
    "open_chat",
    "outputs",
    "status",
]


def drift(spec: SpecHandle) -> Drift:
    """Return the changes made outside phift since the last apply. Writes nothing. Raises as `plan`."""
    from phift import phases

    return phases.drift(spec._request, spec._sessions)


def status(spec: SpecHandle) -> Status:
    """Return the current state of the stack. Writes nothing. Raises as `plan`, without RefusedError."""
    from phift import phases

    return phases.status(spec._request, spec._sessions)


def outputs(spec: SpecHandle) -> dict[str, dict[str, Any]]:
    """Return the outputs of each live resource by address: names, versions, scoring_uri. Raises as `status`."""
    from phift import phases

    return phases.outputs(spec._request, spec._sessions)


def logs(spec: SpecHandle, *, deployment: str | None = None, follow: bool = False) -> Iterator[str]:
    """Yield the lines of the log of the training job or a deployment. Reads, and raises errors, during iteration.

    deployment: its name; "" is the spec's deployment. follow: continue until the job ends or the deployment is deleted.
    Raises as `status`, and UsageError (1) if the job or deployment does not exist.
    """
    from phift import phases

    if deployment is None:
        return phases.logs(spec._request, spec._sessions, follow=follow)
    return phases.deployment_logs(spec._request, spec._sessions, deployment, follow=follow)


def metrics(spec: SpecHandle, *, training: str = "") -> Metrics:
    """Return all metrics of a training job: of the current spec, or a version of the model, NAME:VERSION, or a job.

    Raises as `logs`.
    """
    from phift import phases

    return phases.metrics(spec._request, spec._sessions, training)


def compare_metrics(spec: SpecHandle, *, before: str = "", after: str = "") -> MetricsComparison:
    """Compare the metrics of two trainings: versions of the model, NAME:VERSION, or jobs; default: the last two.

    The training of the current spec counts as the last one, also while it runs. Raises as `status`, and UsageError (1)
    if one does not exist.
    """
    from phift import phases

    return phases.metrics_comparison(spec._request, spec._sessions, before, after)


def compare_versions(
    spec: SpecHandle, *, before: str = "", after: str = "", rows: bool = True, answers: int = 0
) -> VersionDiff:
    """Compare two versions of the model: parameters, data, metrics, answers; default: the last two. Creates nothing.

    before, after: a version, NAME:VERSION, or a job. rows: compare the rows of data versions that differ. answers: send
    this many rows of the data to the deployments of both versions. Raises as `compare_metrics`.
    """
    from phift import phases

    return phases.version_diff(spec._request, spec._sessions, before, after, rows=rows, answers=answers)


def history(spec: SpecHandle, *, limit: int = 20) -> tuple[Record, ...]:
    """Return the last applies of the stack, newest first. Raises as `status`."""
    from phift import phases

    return phases.history(spec._request, spec._sessions, limit=limit)


def invoke(
    spec: SpecHandle, *, text: str | None = None, sample: int | None = None, body: Any = None, deployment: str = ""
) -> tuple[Answered, ...]:
    """Send a message (text), rows of the data (sample: how many) or a request body to the endpoint; return the answers.

    Pass exactly one of text, sample and body. deployment: its name, bypassing the traffic split. Raises as `status`,
    UsageError (exit code 1) if there is no endpoint, and AzureError (1) for an error response.
    """
    from phift import phases

    if sum(given is not None for given in (text, sample, body)) != 1 or (sample is not None and sample < 1):
        raise UsageError(
            "invoke requires exactly one of text, sample and body", remedy='Example: text="What is the capital?"'
        )
    asked = phases.invoke(
        spec._request, spec._sessions, text=text or "", sample=sample or 0, body=body, deployment=deployment
    )
    return tuple(asked)


def open_chat(spec: SpecHandle, *, system: str = "", deployment: str = "") -> Chat:
    """Open a conversation with the endpoint. Sends nothing yet.

    Generation parameters are those of the first test of the spec. system: the system prompt. deployment: its name,
    bypassing the traffic split. Raises as `status`, and UsageError (exit code 1) if there is no endpoint, or if it does
    not serve a chat model.
    """
    from phift import phases

    return phases.open_chat(spec._request, spec._sessions, system=system, deployment=deployment)
