"""The lease state machine: every action in every state."""

import pytest

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.lease import (
    Lease,
    LeaseState,
    acquire,
    break_lease,
    change,
    check_read,
    check_write,
    release,
    renew,
)

A, B = "aaaa", "bbbb"
NOW = 1000.0
STATES = {
    "available": Lease(),
    "leased": Lease(A, 30, NOW + 20),
    "infinite": Lease(A, -1),
    "expired": Lease(A, 30, NOW - 1),
    "breaking": Lease(A, 30, None, NOW + 5),
    "broken": Lease(A, 30, None, NOW - 1),
}
MISMATCH = "LeaseIdMismatchWithLeaseOperation"
ABSENT = "LeaseNotPresentWithLeaseOperation"


def outcome(step, *arguments):
    """The state after a step, or the code it was refused with."""
    try:
        return step(*arguments).state(NOW).value
    except ServiceError as error:
        return error.code


def row(step, *arguments):
    return [outcome(step, lease, *arguments) for lease in STATES.values()]


def test_states():
    assert [lease.state(NOW).value for lease in STATES.values()] == [
        "available",
        "leased",
        "leased",
        "expired",
        "breaking",
        "broken",
    ]
    assert [lease.locked(NOW) for lease in STATES.values()] == [False, True, True, False, True, False]


def test_acquire():
    taken = "LeaseAlreadyPresent"
    breaking = "LeaseIsBreakingAndCannotBeAcquired"
    assert row(acquire, "", 15, NOW) == ["leased", taken, taken, "leased", taken, "leased"]
    assert row(acquire, A, 15, NOW) == ["leased", "leased", "leased", "leased", breaking, "leased"]
    assert row(acquire, B, -1, NOW) == ["leased", taken, taken, "leased", taken, "leased"]
    assert acquire(Lease(), "", 15, NOW).expires == NOW + 15
    assert acquire(Lease(), B, -1, NOW) == Lease(B, -1)


@pytest.mark.parametrize("duration", [0, 14, 61, -2])
def test_acquire_refuses_other_durations(duration):
    assert outcome(acquire, Lease(), "", duration, NOW) == "InvalidHeaderValue"


def test_renew():
    broken = "LeaseIsBrokenAndCannotBeRenewed"
    assert row(renew, A, NOW) == [ABSENT, "leased", "leased", "leased", broken, broken]
    assert row(renew, B, NOW) == [ABSENT, MISMATCH, MISMATCH, MISMATCH, MISMATCH, MISMATCH]
    assert renew(STATES["leased"], A, NOW).expires == NOW + 30
    assert renew(STATES["infinite"], A, NOW).expires is None


def test_change():
    breaking = "LeaseIsBreakingAndCannotBeChanged"
    assert row(change, A, B, NOW) == [ABSENT, "leased", "leased", ABSENT, breaking, ABSENT]
    assert row(change, B, "cccc", NOW) == [ABSENT, MISMATCH, MISMATCH, ABSENT, MISMATCH, ABSENT]
    assert change(STATES["leased"], A, B, NOW) == Lease(B, 30, NOW + 20)
    assert change(STATES["leased"], B, A, NOW).id == A


def test_release():
    assert row(release, A) == [MISMATCH, *["available"] * 5]
    assert row(release, B) == [MISMATCH] * 6


def test_break():
    assert row(break_lease, None, NOW) == [ABSENT, "breaking", "broken", "broken", "breaking", "broken"]
    assert row(break_lease, 0, NOW) == [ABSENT, *["broken"] * 5]
    assert row(break_lease, 10, NOW) == [ABSENT, "breaking", "breaking", "broken", "breaking", "broken"]
    remaining = [break_lease(lease, 10, NOW).remaining(NOW) for lease in list(STATES.values())[1:]]
    assert remaining == [10, 10, 0, 5, 0]
    assert break_lease(STATES["leased"], 60, NOW).remaining(NOW) == 20
    assert break_lease(STATES["leased"], None, NOW).remaining(NOW) == 20
    assert outcome(break_lease, STATES["leased"], 61, NOW) == "InvalidHeaderValue"


def test_writes_and_reads_under_a_lease():
    missing, wrong, lost = "LeaseIdMissing", "LeaseIdMismatchWithBlobOperation", "LeaseNotPresentWithBlobOperation"
    assert row(check_write, "", NOW) == ["available", missing, missing, "available", missing, "available"]
    assert row(check_write, A, NOW) == [lost, "leased", "leased", lost, "breaking", lost]
    assert row(check_write, B, NOW) == [lost, wrong, wrong, lost, wrong, lost]
    for lease in STATES.values():
        check_read(lease, "", NOW)
    check_read(STATES["leased"], A, NOW)
    with pytest.raises(ServiceError, match=wrong):
        check_read(STATES["leased"], B, NOW)
    with pytest.raises(ServiceError, match=lost):
        check_read(STATES["expired"], A, NOW)


def test_an_expired_lease_can_be_renewed_until_somebody_writes():
    expired = STATES["expired"]
    assert renew(expired, A, NOW).state(NOW) is LeaseState.LEASED
    with pytest.raises(ServiceError, match=ABSENT):
        renew(check_write(expired, "", NOW), A, NOW)
