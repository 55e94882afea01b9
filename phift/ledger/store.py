"""The blob store interface of the ledger, and the paths of its blobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

__all__ = ["JournalStore", "LeaseStore", "journal_folder", "lease_blob"]


class LeaseStore(Protocol):
    """Blobs with leases.

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
    """Append blobs. Raises NotFoundError if a blob does not exist."""

    def get(self, name: str) -> bytes: ...
    def list(self, prefix: str) -> Iterator[str]: ...
    def append(self, name: str, data: bytes, *, position: int | None = None) -> int: ...


def lease_blob(stack: str) -> str:
    """Return the blob whose lease is the stack's lease."""
    return f"phift/stacks/{stack}/lease"


def journal_folder(stack: str) -> str:
    """Return the prefix of the stack's journals; names sort by time."""
    return f"phift/stacks/{stack}/journal/"
