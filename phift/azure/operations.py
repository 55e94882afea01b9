"""Asynchronous operations: what the service does with a write that it has accepted, and why it could not.

The answer to a PUT, PATCH or DELETE names the status document of its operation in the header Azure-AsyncOperation. That
document alone says why the operation failed: the object itself then only is in state Failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from phift.azure.envelopes import Problem, first_line, problem_of
from phift.azure.errors import redact
from phift.azure.refusals import failure_remedy, refusal_of
from phift.azure.rest import Answer, Rest
from phift.errors import AzureError

__all__ = ["Ended", "Operation", "Outcome", "operation_in", "operation_of", "outcome_in"]

_HEADER = "azure-asyncoperation"
_URI = "AzureAsyncOperationUri"
"""The service writes it into the property bag of endpoints (of the newest operation) and of deployments (of the first
one), so a later process can still ask (recorded 2025-02)."""


_FIX = "Fix the cause and re-run the command."


class Ended(Enum):
    """Whether an operation has ended, and how; UNKNOWN when the service does not tell."""

    UNKNOWN = "unknown"
    RUNNING = "running"
    WELL = "well"
    BADLY = "badly"


@dataclass(frozen=True)
class Outcome:
    """Where an operation stands. state: the service's word. problem: why it ended badly, as far as told."""

    ended: Ended = Ended.UNKNOWN
    state: str = ""
    problem: Problem = field(default_factory=Problem)

    def failure(self, what: str, *, look: str = "", remedy: str = "", fallback: str = _FIX) -> AzureError:
        """The error for what the operation was to bring about.

        what: that it failed, such as "deployment d ended in state Failed". look: where the reason can be found when
        nothing is told. remedy: follows the advice that fits the operation's code; fallback: where there would be none.
        """
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
    """An operation, known by the address of its status document.

    The address is signed and some 3 KB long: it goes into no repr, log, tag or journal.
    """

    url: str = field(repr=False)

    def outcome(self, arm: Rest) -> Outcome:
        """Where it stands now; unknown when the service does not say, or no longer. arm: Resource Manager."""
        try:
            body = arm.answer(self.url, "").body
        except AzureError:
            return Outcome()  # the object itself still tells whether it is done; only the reason is lost
        return outcome_in(body) if isinstance(body, dict) else Outcome()


def operation_of(answer: Answer) -> Operation | None:
    """The operation that the answer to a write says has begun."""
    url = next((str(v) for k, v in answer.headers.items() if k.lower() == _HEADER), "")
    return Operation(url) if url else None


def operation_in(raw: Mapping[str, Any]) -> Operation | None:
    """The operation that the document of an object names."""
    bag = (raw.get("properties") or {}).get("properties")
    url = bag.get(_URI) if isinstance(bag, Mapping) else None
    return Operation(str(url)) if url else None


def outcome_in(document: Mapping[str, Any]) -> Outcome:
    """What a status document says."""
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
