"""What the blob store knows of a container, a blob and a block."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from phift.emulator.services.blob.lease import Lease

__all__ = ["Blob", "BlobKind", "Block", "Container", "Content", "Page", "Ticks", "http_date", "ticks_of"]

_EPOCH_TICKS = 621_355_968_000_000_000  # of 1970, in 100 ns since the year 1
_TICKS_PER_SECOND = 10_000_000


def ticks_of(seconds: float) -> int:
    """A time in seconds since 1970 as the 100 ns ticks since the year 1 that ETags are made of."""
    return _EPOCH_TICKS + int(seconds * _TICKS_PER_SECOND)


def http_date(ticks: int) -> str:
    """Ticks as an HTTP date, to the second."""
    return _http_date(seconds_of(ticks))


@lru_cache(4096)
def _http_date(seconds: int) -> str:
    return email.utils.formatdate(seconds, usegmt=True)


def seconds_of(ticks: int) -> int:
    """Ticks as whole seconds since 1970."""
    return (ticks - _EPOCH_TICKS) // _TICKS_PER_SECOND


class Ticks:
    """Stamps for changes, in ticks: the time of day, and never the same twice. now: seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last = 0

    def next(self) -> int:
        self._last = max(ticks_of(self._now()), self._last + 1)
        return self._last


class BlobKind(StrEnum):
    BLOCK = "BlockBlob"
    APPEND = "AppendBlob"


@dataclass(frozen=True, slots=True)
class Stamped:
    """Something that was made and changed. Both in ticks; no two changes share one, so `modified` is the ETag."""

    created: int
    modified: int

    @property
    def etag(self) -> str:
        return f'"0x{self.modified:X}"'

    @property
    def last_modified(self) -> str:
        return http_date(self.modified)


@dataclass(frozen=True, slots=True)
class Container(Stamped):
    name: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True)
class Blob(Stamped):
    """headers: the stored content headers by lower-case name (content-type, content-md5, ...).
    blocks: committed appends of an append blob, 0 for a block blob."""

    id: int
    container: str
    name: str
    kind: BlobKind
    length: int
    headers: dict[str, str]
    metadata: dict[str, str]
    lease: Lease
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a block blob. id: base64 as the client named it. length: bytes."""

    id: str
    length: int


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that have reached the disk but belong to nobody yet. file: their name there. md5: raw digest or None."""

    file: str
    length: int
    md5: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. entries: blobs, and common prefixes as text, by name. marker: the next page's first."""

    entries: list[Blob | str] = field(default_factory=list)
    marker: str = ""
