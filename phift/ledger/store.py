"""What the ledger needs of a blob store, and where it keeps things in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

__all__ = ["JournalStore", "LeaseStore", "journal_folder", "lease_blob"]


class LeaseStore(Protocol):
    """Blobs that can be leased.

    Raises ConflictError (code of the service: LeaseAlreadyPresent, BlobAlreadyExists, LeaseIdMismatch...,
    LeaseNotPresent...) and NotFoundError of phift.errors.
    """

    def put(self, name: str, data: bytes, *, if_none_match: bool = False, lease: str | None = None) -> None: ...
    def get(self, name: str) -> bytes: ...
    def head(self, name: str) -> Mapping[str, Any] | None: ...
    def acquire_lease(self, name: str, seconds: int) -> str: ...
    def renew_lease(self, name: str, lease: str) -> None: ...
    def release_lease(self, name: str, lease: str) -> None: ...
    def break_lease(self, name: str) -> None: ...


class JournalStore(Protocol):
    """Blobs that grow at their end. Raises NotFoundError for a blob that is not there."""

    def get(self, name: str) -> bytes: ...
    def list(self, prefix: str) -> Iterator[str]: ...
    def append(self, name: str, data: bytes, *, position: int | None = None) -> int: ...


def lease_blob(stack: str) -> str:
    """The blob whose lease is the stack's."""
    return f"phift/stacks/{stack}/lease"


def journal_folder(stack: str) -> str:
    """Where the stack's journals lie; names sort by time."""
    return f"phift/stacks/{stack}/journal/"
