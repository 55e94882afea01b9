"""The closed sets of words in a journal. A word that only a later release writes is read as UNKNOWN."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

__all__ = ["ApplyOutcome", "Verb", "WriteOutcome"]


class _Words(StrEnum):
    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls["UNKNOWN"]


class Verb(_Words):
    """What a write does to an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    UNKNOWN = "write"


class WriteOutcome(_Words):
    """What became of a write. FOUND_DONE and FOUND_NOT_DONE: a later apply decided, from the state of the object."""

    DONE = "done"
    FAILED = "failed"
    FOUND_DONE = "found done"
    FOUND_NOT_DONE = "found not done"
    NOT_IN_SPEC = "no longer in the spec"
    UNKNOWN = "unknown"

    @property
    def took_effect(self) -> bool:
        return self in (WriteOutcome.DONE, WriteOutcome.FOUND_DONE)


class ApplyOutcome(_Words):
    """How an apply ended. SETTLED: it had nothing to write, and only decided the open writes of earlier ones."""

    DONE = "done"
    SETTLED = "settled"
    DETACHED = "detached"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        return self in (ApplyOutcome.DONE, ApplyOutcome.SETTLED)
