"""Every error phift raises on purpose.

    PhiftError                    exit 1
    +-- UsageError                exit 1   the command line asks for something that makes no sense
    +-- InvalidSpecError          exit 1   what the user wrote is wrong: carries diagnostics
    +-- RefusedError              exit 4   a check before spending, or a policy, says no: carries diagnostics
    +-- StalePlanError            exit 5   the plan no longer describes the world
    +-- LeaseHeldError            exit 6   another apply is writing to this stack
    +-- LeaseLostError            exit 1   our lease ended while we were writing
    +-- RolledBackError           exit 7   the new deployment failed its tests; traffic is where it was
    +-- DetachedError             exit 8   work goes on in the service; we stopped watching
    +-- ApprovalError             exit 1   nobody approved the plan
    +-- JobFailedError            exit 1   the training job ended badly: carries the step and its log's tail
    +-- DeadlineError             exit 8   a wait outlasted its deadline; the work may still be running
    +-- EmulatorError             exit 1   the embedded Azure ML could not start, stop or be reached
    +-- AzureError                exit 1   the service, or the way to it, said no
        +-- AuthenticationError            no credential, or the service does not accept it
        +-- NotFoundError                  404
        +-- ConflictError                  409, 412: someone else was there first
        +-- ThrottledError                 429
        +-- UnreachableError               no answer: connection refused, dropped, timed out
        +-- ServerError                    408, 5xx

What the user wrote is told by diagnostics (many at once); what the world did is one of these, raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from phift.diagnostics import Diagnostic
from phift.exits import ExitCode

__all__ = [
    "ApprovalError",
    "AuthenticationError",
    "AzureError",
    "Cause",
    "ConflictError",
    "DeadlineError",
    "DetachedError",
    "EmulatorError",
    "InvalidSpecError",
    "JobFailedError",
    "LeaseHeldError",
    "LeaseLostError",
    "NotFoundError",
    "PhiftError",
    "RefusedError",
    "RolledBackError",
    "ServerError",
    "StalePlanError",
    "ThrottledError",
    "UnreachableError",
    "UsageError",
]


class PhiftError(Exception):
    """Base of all errors phift raises on purpose.

    summary: one line, what is wrong. detail: why, as many lines as it needs.
    remedy: what to do next. address: the resource concerned, as text.
    code: a stable short name, as of a Diagnostic; empty for most. That of an AzureError is the service's own.
    """

    exit_code: ExitCode = ExitCode.ERROR
    code = ""

    def __init__(self, summary: str, *, detail: str = "", remedy: str = "", address: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.remedy = remedy
        self.address = address

    def __str__(self) -> str:
        return "\n".join(part for part in (self.summary, self.detail, self.remedy) if part)


class UsageError(PhiftError):
    """The command line asks for something that makes no sense."""


class DiagnosticsError(PhiftError):
    """An error that is a list of diagnostics."""

    def __init__(self, diagnostics: Sequence[Diagnostic], summary: str = "") -> None:
        super().__init__(summary or (diagnostics[0].summary if diagnostics else "invalid"))
        self.diagnostics = tuple(diagnostics)


class InvalidSpecError(DiagnosticsError):
    """What the user wrote is wrong."""


class RefusedError(DiagnosticsError):
    """A check made before anything is spent says no; nothing was created."""

    exit_code = ExitCode.REFUSED


class StalePlanError(PhiftError):
    """The plan no longer describes the spec, the lock file or the workspace."""

    exit_code = ExitCode.STALE_PLAN


class LeaseHeldError(PhiftError):
    """Another apply holds the stack's lease."""

    exit_code = ExitCode.LEASE_HELD


class LeaseLostError(PhiftError):
    """Our lease ended while we were writing."""


class RolledBackError(PhiftError):
    """The new deployment failed its tests; traffic is where it was."""

    exit_code = ExitCode.ROLLED_BACK


class DetachedError(PhiftError):
    """Work goes on in the service; we stopped watching."""

    exit_code = ExitCode.DETACHED


class DeadlineError(DetachedError):
    """A wait outlasted its deadline; the work may still be running, and that is not a failure."""


class ApprovalError(PhiftError):
    """Nobody approved the plan."""


class JobFailedError(PhiftError):
    """The training job ended as Failed or Canceled. step: the failed step; log: the tail of its log.

    infrastructure: one clause, when the service is to blame and the same job may succeed another time.
    """

    def __init__(
        self,
        summary: str,
        *,
        step: str = "",
        log: str = "",
        infrastructure: str = "",
        detail: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(summary, detail=detail, remedy=remedy)
        self.step = step
        self.log = log
        self.infrastructure = infrastructure


class EmulatorError(PhiftError):
    """The embedded Azure ML could not be started, stopped or reached."""


class Cause(StrEnum):
    """Why the service refuses a request, as far as its answer tells."""

    UNKNOWN = "unknown"
    ROLE = "role"
    """The identity lacks a role."""
    POLICY = "policy"
    """An Azure Policy denies what the request asks for."""
    LOCK = "lock"
    """A management lock."""
    NETWORK = "network"
    """Network rules: the same request is accepted from another place."""
    KEY_ACCESS = "key-access"
    """The storage account accepts no account keys, nor signatures made with them."""
    SUBSCRIPTION = "subscription"
    """The subscription is disabled."""
    REGISTRATION = "registration"
    """A resource provider is not registered in the subscription."""
    NAME = "name"
    """The name cannot be had."""
    QUOTA = "quota"
    CAPACITY = "capacity"
    """The region has none of the VM size left."""
    SCOPE = "scope"
    """The subscription, resource group or workspace does not exist or is being deleted."""
    BUSY = "busy"
    """Another operation is in progress; the same request is accepted once that has ended."""
    CHANGED = "changed"
    """The object is another than the request was made from; a new request must be made from what it is now."""

    @property
    def permanent(self) -> bool:
        """Waiting does not help: somebody must act."""
        return self not in {Cause.UNKNOWN, Cause.BUSY, Cause.CHANGED}


class AzureError(PhiftError):
    """The service, or the way to it, said no.

    status: HTTP status, 0 when there was no answer. code: the service's own error code. cause: what that means.
    method, url: the request, without query. retry_after: seconds the service asked us to wait, or None.
    """

    def __init__(
        self,
        summary: str,
        *,
        status: int = 0,
        code: str = "",
        method: str = "",
        url: str = "",
        retry_after: float | None = None,
        cause: Cause = Cause.UNKNOWN,
        detail: str = "",
        remedy: str = "",
        address: str = "",
    ) -> None:
        super().__init__(summary, detail=detail, remedy=remedy, address=address)
        self.cause = cause
        self.status = status
        self.code = code
        self.method = method
        self.url = url
        self.retry_after = retry_after


class AuthenticationError(AzureError):
    """No credential could be had, or the service does not accept it."""


class NotFoundError(AzureError):
    """404."""


class ConflictError(AzureError):
    """409 or 412: someone else was there first."""


class ThrottledError(AzureError):
    """429."""


class UnreachableError(AzureError):
    """No answer: the connection was refused, dropped or timed out."""


class ServerError(AzureError):
    """408 or 5xx."""
