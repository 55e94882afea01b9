"""What is tried again, how often and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from clocks import FakeClock

from phift.azure.attendance import Seen
from phift.azure.errors import NOT_SENT
from phift.azure.retry import Retry
from phift.errors import AzureError, Cause, NotFoundError, ServerError, ThrottledError, UnreachableError


def outcome_of(*answers: Exception | str, repeatable: bool = True, **options: Any) -> tuple[object, FakeClock]:
    clock = FakeClock()
    left: Iterator[Exception | str] = iter(answers)

    def attempt() -> str:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    retry = Retry(clock=clock, jitter=lambda _low, high: high, **options)
    try:
        return retry.call(attempt, repeatable=repeatable), clock
    except AzureError as error:
        return error, clock


BUSY = ServerError("busy", status=503)
LOST = UnreachableError("lost", code="NoAnswer")
REFUSED = UnreachableError("refused", code=NOT_SENT)


def test_pauses_double_up_to_the_cap() -> None:
    result, clock = outcome_of(BUSY, BUSY, BUSY, BUSY, "done", cap=2.0)
    assert result == "done"
    assert clock.pauses == [0.5, 1.0, 2.0, 2.0]


def test_retry_after_is_obeyed() -> None:
    result, clock = outcome_of(ThrottledError("slow", status=429, retry_after=7), "done")
    assert result == "done"
    assert clock.pauses == [7]


def test_attempts_and_time_are_bounded() -> None:
    result, clock = outcome_of(*[BUSY] * 9, attempts=3)
    assert result is BUSY
    assert len(clock.pauses) == 2
    late = ThrottledError("slow", status=429, retry_after=500)
    result, clock = outcome_of(late, "done")
    assert result is late
    assert clock.pauses == []


class Patient:
    """An attendant who waits up to so many seconds in all."""

    def __init__(self, most: float) -> None:
        self.seen, self.patience, self.left = Seen(), 0.0, most
        self.waited: list[float] = []

    def wait(self, seconds: float, error: AzureError) -> None:
        self.left -= seconds
        if self.left < 0:
            raise error
        self.waited.append(seconds)


def test_who_attends_bears_an_hour_that_the_service_asks_for() -> None:
    hour = ThrottledError("slow", status=429, retry_after=3600)
    patient = Patient(10_000)
    result, clock = outcome_of(hour, hour, BUSY, "done", attendant=patient)
    assert result == "done"
    assert patient.waited == [3600, 3600, 0.5]
    assert clock.pauses == []
    late = Patient(3000)
    result, _ = outcome_of(hour, "done", attendant=late)
    assert (result, late.waited) == (hour, [])


def test_who_attends_is_not_kept_for_ever_by_a_service_that_asks_for_nothing() -> None:
    result, _ = outcome_of(*[ThrottledError("slow", status=429, retry_after=0)] * 9, attempts=3, attendant=Patient(9))
    assert isinstance(result, ThrottledError)


@pytest.mark.parametrize(
    ("error", "repeatable", "again"),
    [
        (BUSY, True, True),
        (BUSY, False, False),
        (ServerError("no", status=501), True, False),
        (ServerError("slow", status=408), True, True),
        (LOST, True, True),
        (LOST, False, False),
        (REFUSED, False, True),
        (ThrottledError("slow", status=429), False, True),
        (NotFoundError("no", status=404), True, False),
        (AzureError("bad", status=400), True, False),
        (ServerError("private", status=502, cause=Cause.NETWORK), True, False),
    ],
)
def test_only_what_may_pass_and_is_safe_is_tried_again(error: AzureError, repeatable: bool, again: bool) -> None:
    result, clock = outcome_of(error, "done", repeatable=repeatable)
    assert (result == "done") is again
    assert bool(clock.pauses) is again
