"""All errors that phift raises deliberately.

    PhiftError                    exit 1
    +-- UsageError                exit 1   the command line is invalid
    +-- InvalidSpecError          exit 1   the user's files are invalid: has diagnostics
    +-- RefusedError              exit 4   a preflight check or a policy failed: has diagnostics
    +-- StalePlanError            exit 5   the plan no longer matches the spec, the lock file or the workspace
    +-- LeaseHeldError            exit 6   another apply is writing to this stack
    +-- LeaseLostError            exit 1   this apply lost its lease while writing
    +-- RolledBackError           exit 7   the new deployment failed its tests; traffic is unchanged
    +-- DetachedError             exit 8   operations continue in the service; phift stopped waiting
    +-- ApprovalError             exit 1   the plan was not approved
    +-- JobFailedError            exit 1   the training job failed: has the step and the end of its log
    |   +-- JobTimeoutError                it exceeded a time limit of the spec
    +-- DeadlineError             exit 8   a wait exceeded its deadline; the operation may still be running
    +-- EmulatorError             exit 1   the emulator could not be started, stopped or reached
    +-- AzureError                exit 1   a request failed
        +-- AuthenticationError            no credential, or the service rejected it
        +-- NotFoundError                  404
        +-- ConflictError                  409, 412: conflict with another write
        +-- ThrottledError                 429
        +-- UnreachableError               no response: connection refused, dropped, timed out
        +-- ServerError                    408, 5xx

Errors in the user's files are diagnostics, reported together; external failures are one of these exceptions.
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
    "JobTimeoutError",
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
    """Base class of all errors that phift raises deliberately.

    summary: one line, what is wrong. detail: why, any number of lines. remedy: what to do. address: the affected
    resource, as text. code: a stable short name, like that of a Diagnostic; empty for most. For an AzureError, it is
    the service's code.
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
    """The command line is invalid."""


class DiagnosticsError(PhiftError):
    """An error that is a list of diagnostics."""

    def __init__(self, diagnostics: Sequence[Diagnostic], summary: str = "") -> None:
        super().__init__(summary or (diagnostics[0].summary if diagnostics else "invalid"))
        self.diagnostics = tuple(diagnostics)


class InvalidSpecError(DiagnosticsError):
    """The user's files are invalid."""


class RefusedError(DiagnosticsError):
    """A preflight check failed; nothing was created."""

    exit_code = ExitCode.REFUSED


class StalePlanError(PhiftError):
    """The plan no longer matches the spec, the lock file or the workspace."""

    exit_code = ExitCode.STALE_PLAN


class LeaseHeldError(PhiftError):
    """Another apply holds the stack's lease."""

    exit_code = ExitCode.LEASE_HELD


class LeaseLostError(PhiftError):
    """This apply lost its lease while writing."""


class RolledBackError(PhiftError):
    """The new deployment failed its tests; traffic is unchanged."""

    exit_code = ExitCode.ROLLED_BACK


class DetachedError(PhiftError):
    """Operations continue in the service; phift stopped waiting."""

    exit_code = ExitCode.DETACHED


class DeadlineError(DetachedError):
    """A wait exceeded its deadline. This is not a failure: the operation may still be running."""


class ApprovalError(PhiftError):
    """The plan was not approved."""


class JobFailedError(PhiftError):
    """The training job ended as Failed or Canceled. step: the failed step; log: the last lines of its log.

    infrastructure: one clause, if the service caused the failure and the same job may succeed if re-run.
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


class JobTimeoutError(JobFailedError):
    """The training job exceeded a time limit of the spec. phift cancels it, or has cancelled it."""

    code = "job-timeout"


class EmulatorError(PhiftError):
    """The emulator could not be started, stopped or reached."""


class Cause(StrEnum):
    """Why the service rejected a request, if the response allows to determine it."""

    UNKNOWN = "unknown"
    ROLE = "role"
    """The identity lacks a role."""
    POLICY = "policy"
    """An Azure Policy denies the request."""
    LOCK = "lock"
    """A management lock."""
    NETWORK = "network"
    """Network rules: the same request would be accepted from another network."""
    KEY_ACCESS = "key-access"
    """The storage account rejects account keys and signatures made with them."""
    SUBSCRIPTION = "subscription"
    """The subscription is disabled."""
    REGISTRATION = "registration"
    """A resource provider is not registered in the subscription."""
    NAME = "name"
    """The name is not available."""
    QUOTA = "quota"
    CAPACITY = "capacity"
    """The region has no capacity left for the VM size."""
    SCOPE = "scope"
    """The subscription, resource group or workspace does not exist or is being deleted."""
    BUSY = "busy"
    """Another operation is in progress; the same request is accepted after it ends."""
    CHANGED = "changed"
    """The object has changed since it was read; it must be read again for a new request."""

    @property
    def permanent(self) -> bool:
        """Whether waiting does not help, because somebody must act."""
        return self not in {Cause.UNKNOWN, Cause.BUSY, Cause.CHANGED}


class AzureError(PhiftError):
    """A request failed.

    status: HTTP status, 0 without a response. code: the service's error code. cause: its meaning. method, url: the
    request, without query. retry_after: seconds to wait as requested by the service, or None.
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
    """No credential is available, or the service rejected it."""


class NotFoundError(AzureError):
    """404."""


class ConflictError(AzureError):
    """409 or 412: conflict with another write."""


class ThrottledError(AzureError):
    """429."""


class UnreachableError(AzureError):
    """No response: the connection was refused, dropped or timed out."""


class ServerError(AzureError):
    """408 or 5xx."""
