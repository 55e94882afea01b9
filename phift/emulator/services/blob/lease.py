"""A blob's lease as a value, and the state machine the service runs over it.

States and codes follow Azure's table of outcomes by lease state.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum

from phift.emulator.core.errors import ServiceError

__all__ = ["Lease", "LeaseState", "acquire", "break_lease", "change", "check_read", "check_write", "release", "renew"]

INFINITE = -1
_DURATIONS = range(15, 61)
_BREAK_PERIODS = range(61)


class LeaseState(StrEnum):
    AVAILABLE = "available"
    LEASED = "leased"
    EXPIRED = "expired"
    BREAKING = "breaking"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Lease:
    """id: empty when there is none. duration: seconds, -1 for infinite. expires, breaks: seconds since 1970."""

    id: str = ""
    duration: int = 0
    expires: float | None = None
    breaks: float | None = None

    def state(self, now: float) -> LeaseState:
        if not self.id:
            return LeaseState.AVAILABLE
        if self.breaks is not None:
            return LeaseState.BREAKING if now < self.breaks else LeaseState.BROKEN
        if self.expires is not None and now >= self.expires:
            return LeaseState.EXPIRED
        return LeaseState.LEASED

    def locked(self, now: float) -> bool:
        """Whether writes need this lease's id."""
        return self.state(now) in (LeaseState.LEASED, LeaseState.BREAKING)

    def remaining(self, now: float) -> int:
        """Whole seconds until a breaking lease is broken; 0 when it is."""
        return 0 if self.breaks is None else max(0, math.ceil(self.breaks - now))


def acquire(lease: Lease, proposed: str, duration: int, now: float) -> Lease:
    """The lease taken, under `proposed` or a new id. Raises 400 for a duration but 15-60 or -1, 409 if held."""
    state = lease.state(now)
    if state is LeaseState.BREAKING:
        raise _breaking_acquired() if proposed == lease.id else _already_present()
    if state is LeaseState.LEASED and proposed != lease.id:
        raise _already_present()
    if duration != INFINITE and duration not in _DURATIONS:
        raise invalid_header("x-ms-lease-duration", str(duration))
    return _held(proposed or str(uuid.uuid4()), duration, now)


def renew(lease: Lease, lease_id: str, now: float) -> Lease:
    """The lease with its whole duration ahead; an expired one too, as long as nobody wrote or leased since."""
    state = lease.state(now)
    if state is LeaseState.AVAILABLE:
        raise _not_present()
    if lease.id != lease_id:
        raise _mismatch()
    if state in (LeaseState.BREAKING, LeaseState.BROKEN):
        raise _broken_renewed()
    return _held(lease.id, lease.duration, now)


def change(lease: Lease, lease_id: str, proposed: str, now: float) -> Lease:
    """The lease under another id; asking again for the id it already has is granted."""
    state = lease.state(now)
    if state not in (LeaseState.LEASED, LeaseState.BREAKING):
        raise _not_present()
    if lease.id not in (lease_id, proposed):
        raise _mismatch()
    if state is LeaseState.BREAKING:
        raise _breaking_changed()
    return replace(lease, id=proposed)


def release(lease: Lease, lease_id: str) -> Lease:
    """No lease."""
    if not lease.id or lease.id != lease_id:
        raise _mismatch()
    return Lease()


def break_lease(lease: Lease, period: int | None, now: float) -> Lease:
    """The lease on its way out. period: seconds it may still live, at most what remains of it; None for all of that."""
    if period is not None and period not in _BREAK_PERIODS:
        raise invalid_header("x-ms-lease-break-period", str(period))
    state = lease.state(now)
    if state is LeaseState.AVAILABLE:
        raise _not_present()
    if state is LeaseState.BROKEN:
        return lease
    if state is LeaseState.BREAKING:
        end = lease.breaks if period is None else min(lease.breaks or now, now + period)
    elif state is LeaseState.EXPIRED:
        end = now
    elif lease.expires is None:
        end = now + (period or 0)
    else:
        end = lease.expires if period is None else min(lease.expires, now + period)
    return Lease(lease.id, lease.duration, None, end)


def check_write(lease: Lease, lease_id: str, now: float) -> Lease:
    """The lease after a write. Raises 412 when the write may not happen; a dead lease is gone after it."""
    state = lease.state(now)
    if state in (LeaseState.LEASED, LeaseState.BREAKING):
        if not lease_id:
            raise ServiceError(
                412,
                "LeaseIdMissing",
                "There is currently a lease on the blob and no lease ID was specified in the request.",
            )
        if lease_id != lease.id:
            raise _operation_mismatch()
        return lease
    if lease_id:
        raise _lost()
    return Lease()


def check_read(lease: Lease, lease_id: str, now: float) -> None:
    """Reads need no lease, but one that names an id must name the right one."""
    if not lease_id:
        return
    if not lease.locked(now):
        raise _lost()
    if lease_id != lease.id:
        raise _operation_mismatch()


def invalid_header(name: str, value: str) -> ServiceError:
    """400 for a header the service cannot read."""
    return ServiceError(
        400,
        "InvalidHeaderValue",
        "The value for one of the HTTP headers is not in the correct format.",
        parameters={"HeaderName": name, "HeaderValue": value},
    )


def _held(lease_id: str, duration: int, now: float) -> Lease:
    return Lease(lease_id, duration, None if duration == INFINITE else now + duration)


def _already_present() -> ServiceError:
    return ServiceError(409, "LeaseAlreadyPresent", "There is already a lease present.")


def _breaking_acquired() -> ServiceError:
    return ServiceError(
        409,
        "LeaseIsBreakingAndCannotBeAcquired",
        "The lease ID matched, but the lease is currently in breaking state and cannot be acquired until it is broken.",
    )


def _breaking_changed() -> ServiceError:
    return ServiceError(
        409,
        "LeaseIsBreakingAndCannotBeChanged",
        "The lease ID matched, but the lease is currently in breaking state and cannot be changed.",
    )


def _broken_renewed() -> ServiceError:
    return ServiceError(
        409,
        "LeaseIsBrokenAndCannotBeRenewed",
        "The lease ID matched, but the lease has been broken explicitly and cannot be renewed.",
    )


def _not_present() -> ServiceError:
    return ServiceError(409, "LeaseNotPresentWithLeaseOperation", "There is currently no lease on the blob.")


def _mismatch() -> ServiceError:
    return ServiceError(
        409,
        "LeaseIdMismatchWithLeaseOperation",
        "The lease ID specified did not match the lease ID for the blob.",
    )


def _operation_mismatch() -> ServiceError:
    return ServiceError(
        412,
        "LeaseIdMismatchWithBlobOperation",
        "The lease ID specified did not match the lease ID for the blob.",
    )


def _lost() -> ServiceError:
    return ServiceError(
        412,
        "LeaseNotPresentWithBlobOperation",
        "A lease ID was specified, but the lease for the blob has expired.",
    )
