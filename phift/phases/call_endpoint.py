"""Call the endpoint with a text, rows of the sample split, or a raw request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from phift.data.recipe import Recipe
from phift.display import Displayed
from phift.errors import AzureError, NotFoundError, UsageError
from phift.kinds.shared.answers import answer_of
from phift.kinds.shared.online import endpoint_path
from phift.kinds.shared.scoring import Caller, question, questions
from phift.phases.explain_answer import why_untrained
from phift.state.desired import Desired
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.recipes import table_of
from phift.workbench.request import Connector, Request

__all__ = ["Answered", "advised", "caller_of", "endpoint_key", "invoke", "opened", "rows_of"]

_SPLITS = ("sample", "test")

_REMEDIES = {
    400: "The model does not accept this request. phift formats a plain text correctly: phift invoke SPEC TEXT",
    401: "The key may have been regenerated since it was read: re-run the command.",
    404: "`phift status` shows the deployments and the traffic; `phift apply` restores the traffic of the spec.",
    408: "Lower max_new_tokens, or raise deployment.request_settings.request_timeout_ms.",
    424: "The container failed, not the endpoint; see its log: `phift logs SPEC --deployment`",
    429: "Send fewer concurrent requests, or raise deployment.instance_count or "
    "deployment.request_settings.max_concurrent_requests_per_instance.",
}
"""Remedies by HTTP status of the endpoint."""


@dataclass(frozen=True)
class Answered(Displayed):
    """An answer. prompt, ground_truth: empty if unknown. body: the whole answer. seconds: response time. note: why a
    stand-in of the emulator has learned nothing, else empty."""

    prompt: str
    answer: str
    ground_truth: str
    seconds: float
    body: Any
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values with stable keys, `note` only if there is one."""
        return {key: value for key, value in asdict(self).items() if value or key != "note"}


def invoke(
    request: Request,
    connect: Connector,
    *,
    text: str = "",
    sample: int = 0,
    body: Any = None,
    deployment: str = "",
) -> Iterator[Answered]:
    """Send `text` as a user message, `sample` rows of the data, or `body` unchanged, and yield one answer for each.

    deployment: by name, also without traffic. Raises UsageError if the endpoint does not exist, and AzureError with the
    error of the endpoint.
    """
    bench, endpoint = _open(request, connect, looking=not sample)
    caller = caller_of(bench, endpoint)
    parameters = next(iter(bench.loaded.spec.tests.values())).parameters if bench.loaded.spec.tests else {}
    if body is not None:
        yield _ask(caller, "", "", body, deployment)
    elif sample:
        for asked in questions(rows_of(bench), sample, parameters):
            yield _explained(bench, _ask(caller, asked.prompt, asked.truth, asked.body, deployment))
    else:
        asked = question(text, table_of(bench.loaded), parameters)
        yield _explained(bench, _ask(caller, text, "", asked.body, deployment))


def endpoint_key(request: Request, connect: Connector) -> str:
    """Return the key or token to send as `Authorization: Bearer`. Raises the errors of `invoke`."""
    bench, endpoint = _open(request, connect, looking=True)
    return caller_of(bench, endpoint).credential


def _open(request: Request, connect: Connector, *, looking: bool) -> tuple[Workbench, Desired[Any]]:
    bench = open_workbench(request, connect, looking=looking)
    endpoint = next((d for d in bench.stack.resources if d.traits.hosts), None)
    if endpoint is None:
        raise UsageError(
            f"stack {bench.stack.name} does not define an endpoint",
            remedy="Add endpoint: and deployment: to the spec, then run `phift apply`.",
        )
    return bench, endpoint


def caller_of(bench: Workbench, endpoint: Desired[Any]) -> Caller:
    """Return the caller of the endpoint. Raises UsageError if it does not exist, and AzureError."""
    try:
        return Caller.of(bench.azure, endpoint_path(bench.context, endpoint.name))
    except NotFoundError:
        raise UsageError(
            f"endpoint {endpoint.name} not found in the workspace", remedy=f"Create it: phift apply {bench.loaded.path}"
        ) from None


def opened(request: Request, connect: Connector) -> tuple[Workbench, Desired[Any], Caller]:
    """Return the workbench, the endpoint and its caller. Raises the errors of `invoke`."""
    bench, endpoint = _open(request, connect, looking=True)
    return bench, endpoint, caller_of(bench, endpoint)


def advised(error: AzureError) -> AzureError:
    """Return the error of a request to the endpoint with what helps."""
    error.remedy = _REMEDIES.get(error.status, error.remedy)
    return error


def rows_of(bench: Workbench) -> Recipe:
    """Return the recipe of the rows to send. Raises UsageError if the spec has none."""
    for split in _SPLITS:
        facts = bench.resolved.facts.data.get(split)
        if facts is not None and facts.recipe is not None:
            recipe: Recipe = facts.recipe
            return recipe
    raise UsageError("the spec has no rows to send", remedy="Write data: {sample: {path: FILE}}, or pass a text.")


def _explained(bench: Workbench, answered: Answered) -> Answered:
    return replace(answered, note=why_untrained(bench, answered.answer))


def _ask(caller: Caller, prompt: str, truth: str, body: Any, deployment: str) -> Answered:
    start = time.monotonic()
    try:
        answer = caller.ask(body, deployment=deployment)
    except AzureError as error:
        raise advised(error) from None
    return Answered(prompt, answer_of(answer).strip(), truth, time.monotonic() - start, answer)
