"""Conditional request headers."""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.lease import invalid_header
from phift.emulator.services.blob.model import Blob, seconds_of

__all__ = ["ANY", "NO_LIMITS", "AppendLimits", "Conditions"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """If-Match and its kin. match, none_match: an ETag, "*" or "". modified_since, unmodified_since: unix seconds."""

    match: str = ""
    none_match: str = ""
    modified_since: int | None = None
    unmodified_since: int | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Conditions:
        """The conditions in request headers; raises 400 on a date that is none, and on more than one ETag in a header.

        HTTP allows several ETags, the blob service does not (Azure docs, "Specifying conditional headers").
        """
        return cls(
            _etag(headers.get("if-match", "")),
            _etag(headers.get("if-none-match", "")),
            _seconds(headers, "if-modified-since"),
            _seconds(headers, "if-unmodified-since"),
        )

    def check_read(self, blob: Blob) -> None:
        """Raises 412 when a precondition fails, 304 when the reader already has this blob."""
        if self._refused(blob):
            raise _not_met(412)
        if self._unchanged(blob):
            raise _not_met(304)

    def check_write(self, blob: Blob | None, *, creates: bool = False) -> None:
        """Raises 412, or 409 BlobAlreadyExists where `creates` and If-None-Match: * meets a blob."""
        if blob is None:
            if self.match or self.unmodified_since is not None:
                raise _not_met(412)
            return
        if creates and self.none_match == "*":
            raise ServiceError(409, "BlobAlreadyExists", "The specified blob already exists.")
        if self._refused(blob) or self._unchanged(blob):
            raise _not_met(412)

    def _refused(self, blob: Blob) -> bool:
        if self.match and self.match not in ("*", blob.etag):
            return True
        return self.unmodified_since is not None and seconds_of(blob.modified) > self.unmodified_since

    def _unchanged(self, blob: Blob) -> bool:
        if self.none_match:
            return self.none_match in ("*", blob.etag)
        return self.modified_since is not None and seconds_of(blob.modified) <= self.modified_since


ANY = Conditions()


@dataclass(frozen=True, slots=True)
class AppendLimits:
    """position: the length a blob must have before an append. max_size: what it may have after it. In bytes."""

    position: int | None = None
    max_size: int | None = None

    def check(self, blob: Blob, length: int) -> None:
        """Raises 412 when appending `length` bytes would break a limit."""
        if self.max_size is not None and blob.length + length > self.max_size:
            raise ServiceError(412, "MaxBlobSizeConditionNotMet", "The max blob size condition specified was not met.")
        if self.position is not None and self.position != blob.length:
            raise ServiceError(
                412, "AppendPositionConditionNotMet", "The append position condition specified was not met."
            )


NO_LIMITS = AppendLimits()


def _etag(value: str) -> str:
    tag = value.strip().removeprefix("W/")
    if "," in tag:
        raise ServiceError(400, "MultipleConditionHeadersNotSupported", "Multiple condition headers are not supported.")
    return tag if tag in ("", "*") or tag.startswith('"') else f'"{tag}"'


def _seconds(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name)
    if value is None:
        return None
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError as error:
        raise invalid_header(name, value) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _not_met(status: int) -> ServiceError:
    return ServiceError(
        status,
        "ConditionNotMet",
        "The condition specified using HTTP conditional header(s) is not met.",
    )
