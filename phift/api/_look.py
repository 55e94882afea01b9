"""Looking at what is there, and asking the endpoint. Nothing here writes to the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from phift.api._spec import SpecHandle
from phift.errors import UsageError

if TYPE_CHECKING:
    from phift.ledger.journal import Record
    from phift.phases.call_endpoint import Answered
    from phift.phases.detect_drift import Drift
    from phift.phases.read_logs import Metrics
    from phift.phases.show_status import Status

__all__ = ["drift", "history", "invoke", "logs", "metrics", "outputs", "status"]


def drift(spec: SpecHandle) -> Drift:
    """What somebody else changed since the last apply. Writes nothing. Raises as `plan`."""
    from phift import phases

    return phases.drift(spec._request, spec._sessions)


def status(spec: SpecHandle) -> Status:
    """What is live of the stack now. Writes nothing. Raises as `plan`, without RefusedError."""
    from phift import phases

    return phases.status(spec._request, spec._sessions)


def outputs(spec: SpecHandle) -> dict[str, dict[str, Any]]:
    """By address, what is known of each live resource: names, versions, scoring_uri. Raises as `status`."""
    from phift import phases

    return phases.outputs(spec._request, spec._sessions)


def logs(spec: SpecHandle, *, deployment: str | None = None, follow: bool = False) -> Iterator[str]:
    """Lines of the training job's log, or of a deployment's. They are read, and errors raised, while it is iterated.

    deployment: by name; "" is the spec's. follow: until the job has ended or the deployment is gone. Raises as
    `status`, and UsageError (1) where there is no such job or deployment.
    """
    from phift import phases

    if deployment is None:
        return phases.logs(spec._request, spec._sessions, follow=follow)
    return phases.deployment_logs(spec._request, spec._sessions, deployment, follow=follow)


def metrics(spec: SpecHandle) -> Metrics:
    """Every metric of the training job. Raises as `logs`."""
    from phift import phases

    return phases.metrics(spec._request, spec._sessions)


def history(spec: SpecHandle, *, limit: int = 20) -> tuple[Record, ...]:
    """The last applies of the stack, newest first. Raises as `status`."""
    from phift import phases

    return phases.history(spec._request, spec._sessions, limit=limit)


def invoke(
    spec: SpecHandle, *, text: str | None = None, sample: int | None = None, body: Any = None, deployment: str = ""
) -> tuple[Answered, ...]:
    """What the endpoint answers: to one message, to so many rows of the data, or to a request body as it is.

    Exactly one of text, sample and body is given. deployment: by name, whatever its traffic. Raises as `status`, with
    UsageError (exit code 1) where there is no endpoint, and AzureError (1) for an answer that is an error.
    """
    from phift import phases

    if sum(given is not None for given in (text, sample, body)) != 1 or (sample is not None and sample < 1):
        raise UsageError("invoke takes one of text, sample and body", remedy='Such as text="What is the capital?"')
    asked = phases.invoke(
        spec._request, spec._sessions, text=text or "", sample=sample or 0, body=body, deployment=deployment
    )
    return tuple(asked)
