"""What is tried again, how often and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from phift.azure.errors import NOT_SENT
from phift.azure.retry import Retry
from phift.errors import AzureError, NotFoundError, ServerError, ThrottledError, UnreachableError


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


def outcome_of(*answers: Exception | str, repeatable: bool = True, **options: float) -> tuple[object, FakeClock]:
    clock = FakeClock()
    left: Iterator[Exception | str] = iter(answers)

    def attempt() -> str:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    retry = Retry(clock=clock, jitter=lambda _low, high: high, **options)  # type: ignore[arg-type]
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
    assert clock.pauses == [7.5]


def test_attempts_and_time_are_bounded() -> None:
    result, clock = outcome_of(*[BUSY] * 9, attempts=3)
    assert result is BUSY
    assert len(clock.pauses) == 2
    late = ThrottledError("slow", status=429, retry_after=500)
    result, clock = outcome_of(late, "done")
    assert result is late
    assert clock.pauses == []


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
    ],
)
def test_only_what_may_pass_and_is_safe_is_tried_again(error: AzureError, repeatable: bool, again: bool) -> None:
    result, clock = outcome_of(error, "done", repeatable=repeatable)
    assert (result == "done") is again
    assert bool(clock.pauses) is again
