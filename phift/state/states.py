"""States as the service reports them: of runs, of provisioned resources, and of versions."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Provisioning", "RunState"]


class RunState(StrEnum):
    """States of a job and of its steps that phift compares; all further states of the service are in progress."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"
    CANCEL_REQUESTED = "CancelRequested"
    NOT_RESPONDING = "NotResponding"

    @staticmethod
    def failed(word: str) -> bool:
        """Return whether a run in this state has ended without a result."""
        return word in _RUN_FAILED

    @staticmethod
    def ended(word: str) -> bool:
        """Return whether a run in this state has ended."""
        return word in _RUN_FAILED or word == RunState.COMPLETED


_RUN_FAILED = frozenset({RunState.FAILED, RunState.CANCELED, RunState.NOT_RESPONDING})


class Provisioning(StrEnum):
    """Values of `properties.provisioningState` that phift compares, and ARCHIVED, which stands for `isArchived`."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    DELETING = "Deleting"
    SCALING = "Scaling"
    ARCHIVED = "Archived"

    @staticmethod
    def failed(word: str) -> bool:
        """Return whether a resource in this state is unusable and must be replaced."""
        return word in (Provisioning.FAILED, Provisioning.CANCELED)

    @staticmethod
    def settled(word: str) -> bool:
        """Return whether a resource in this state has settled, that is, has no operation in progress."""
        return word in (Provisioning.SUCCEEDED, Provisioning.FAILED, Provisioning.CANCELED)
