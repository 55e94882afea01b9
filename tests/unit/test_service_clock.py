"""The time of the service, by its answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from phift.azure.service_clock import ServiceClock
from phift.clock import Clock


class Machine:
    moment = datetime(2026, 6, 30, 1, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


def test_the_clock_follows_the_last_date_of_an_answer() -> None:
    machine = Machine()
    clock = ServiceClock(cast(Clock, machine))
    assert clock.now() == machine.moment
    clock.note({"Date": "Mon, 29 Jun 2026 23:30:00 GMT"})
    machine.moment += timedelta(minutes=10)
    assert clock.now() == datetime(2026, 6, 29, 23, 40, tzinfo=UTC)


@pytest.mark.parametrize("headers", [{}, {"Date": ""}, {"Date": "yesterday"}, {"Date": "2026-06-30T00:00:00Z"}])
def test_an_answer_without_a_date_changes_nothing(headers: dict[str, Any]) -> None:
    clock = ServiceClock(cast(Clock, Machine()))
    clock.note(headers)
    assert clock.now() == Machine.moment
