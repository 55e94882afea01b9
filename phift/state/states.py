"""The service's words for states, in closed sets: of runs, of resources that are provisioned, and of versions."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Provisioning", "RunState"]


class RunState(StrEnum):
    """States of a job and of its steps that phift compares; the service knows more, all of them in progress."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    CANCEL_REQUESTED = "CancelRequested"
    NOT_RESPONDING = "NotResponding"

    @staticmethod
    def failed(word: str) -> bool:
        """Whether a run in this state has ended without its result."""
        return word in _RUN_FAILED

    @staticmethod
    def ended(word: str) -> bool:
        """Whether a run in this state goes on no more."""
        return word in _RUN_FAILED or word == RunState.COMPLETED


_RUN_FAILED = frozenset({RunState.FAILED, RunState.CANCELED, RunState.NOT_RESPONDING})


class Provisioning(StrEnum):
    """Values of `properties.provisioningState` that phift compares, and ARCHIVED, which stands for `isArchived`."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    DELETING = "Deleting"
    ARCHIVED = "Archived"

    @staticmethod
    def failed(word: str) -> bool:
        """Whether a resource in this state is of no use and is replaced."""
        return word in (Provisioning.FAILED, Provisioning.CANCELED)

    @staticmethod
    def settled(word: str) -> bool:
        """Whether no operation is in progress on a resource in this state."""
        return word in (Provisioning.SUCCEEDED, Provisioning.FAILED, Provisioning.CANCELED)
