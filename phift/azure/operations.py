"""Asynchronous operations: the progress of an accepted write, and the reason if it fails.

The response to a PUT, PATCH or DELETE has the URL of the operation's status document in the header
Azure-AsyncOperation. Only that document has the reason of a failure: the object itself is merely in state Failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from phift.azure.envelopes import Problem, first_line, problem_of
from phift.azure.errors import redact
from phift.azure.rest import Answer, Rest
from phift.errors import AzureError

__all__ = ["Ended", "Operation", "Outcome", "operation_in", "operation_of", "outcome_in"]

_HEADER = "azure-asyncoperation"
_URI = "AzureAsyncOperationUri"
"""The service stores it in the property bag of endpoints (for the newest operation) and of deployments (for the first
one), so that a later process can still query it (recorded 2025-02)."""


_FIX = "Fix the cause and re-run the command."


class Ended(Enum):
    """Whether and how an operation ended; UNKNOWN if the service does not say."""

    UNKNOWN = "unknown"
    RUNNING = "running"
    WELL = "well"
    BADLY = "badly"


@dataclass(frozen=True)
class Outcome:
    """The status of an operation. state: the service's value. problem: the reason of a failure, if known."""

    ended: Ended = Ended.UNKNOWN
    state: str = ""
    problem: Problem = field(default_factory=Problem)

    def failure(self, what: str, *, look: str = "", remedy: str = "", fallback: str = _FIX) -> AzureError:
        """Return the error of a failed operation.

        what: the summary, such as "deployment d ended in state Failed". look: where to find the reason if it is
        unknown. remedy: appended to the advice for the operation's code; fallback: the advice if there is none.
        """
        from phift.azure.refusals import failure_remedy, refusal_of  # takes long to import

        problem = self.problem
        first = first_line(problem.message)
        told = ": ".join(filter(None, [problem.code, first]))
        lines = problem.message.strip().splitlines()
        rest = lines[1:] if lines and lines[0].strip() == first else lines
        advice = [failure_remedy(problem) if told else look, remedy]
        return AzureError(
            redact(f"{what}: {told}" if told else what),
            code=problem.code,
            cause=refusal_of(0, problem).cause,
            detail=redact("\n".join([*rest, *problem.nested, *problem.policies])),
            remedy="\n".join(filter(None, advice)) or fallback,
        )


@dataclass(frozen=True)
class Operation:
    """An operation, identified by the URL of its status document.

    The URL is signed and about 3 KB long: it must not appear in a repr, log, tag or journal.
    """

    url: str = field(repr=False)

    def outcome(self, arm: Rest) -> Outcome:
        """Return the current status; unknown if the service does not provide it. arm: Resource Manager."""
        try:
            body = arm.answer(self.url, "").body
        except AzureError:
            return Outcome()  # the object itself still shows the state; only the reason is lost
        return outcome_in(body) if isinstance(body, dict) else Outcome()


def operation_of(answer: Answer) -> Operation | None:
    """Return the operation that a write started, from its response."""
    url = next((str(v) for k, v in answer.headers.items() if k.lower() == _HEADER), "")
    return Operation(url) if url else None


def operation_in(raw: Mapping[str, Any]) -> Operation | None:
    """Return the operation recorded in an object's document."""
    bag = (raw.get("properties") or {}).get("properties")
    url = bag.get(_URI) if isinstance(bag, Mapping) else None
    return Operation(str(url)) if url else None


def outcome_in(document: Mapping[str, Any]) -> Outcome:
    """Parse a status document."""
    state = str(document.get("status") or "")
    match state.lower():
        case "":
            return Outcome()
        case "succeeded":
            return Outcome(Ended.WELL, state)
        case "failed" | "canceled":
            error = document.get("error")
            problem = problem_of(error, coded_message=True) if isinstance(error, dict) else Problem()
            return Outcome(Ended.BADLY, state, problem)
        case _:
            return Outcome(Ended.RUNNING, state)
