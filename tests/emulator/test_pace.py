"""The lag of lists: by the clock that dates the documents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from phift.emulator.core.clock import Clock
from phift.emulator.core.pace import Pace, listed
from phift.emulator.core.store import Store

LAGGING = Pace("faithful", default=0.0, lag=2.0)


def created(moment: datetime) -> dict[str, Any]:
    return {"systemData": {"createdAt": moment.isoformat()}}


def shown(document: dict[str, Any], clock: Clock | None = None) -> bool:
    return list(listed(LAGGING, [document], clock)) == [document]


def clock_at(tmp_path: Path, machine: Callable[[], float]) -> Clock:
    return Clock(Store(tmp_path / "store.sqlite3"), machine)


def test_a_list_lacks_what_is_younger_than_the_lag() -> None:
    now = datetime.now(UTC)
    assert not shown(created(now))
    assert shown(created(now - timedelta(seconds=2.5)))


def test_the_lag_is_counted_in_seconds_of_the_machine(tmp_path: Path) -> None:
    machine = 1_000_000.0
    clock = clock_at(tmp_path, lambda: machine)
    clock.set(now=datetime(2030, 1, 1, tzinfo=UTC), speed=600)
    document = created(clock.now())
    machine += 1.0
    assert not shown(document, clock)
    machine += 1.5
    assert shown(document, clock)


def test_a_clock_that_was_set_back_hides_nothing(tmp_path: Path) -> None:
    clock = clock_at(tmp_path, lambda: 1_000_000.0)
    document = created(clock.now())
    clock.set(now=clock.now() - timedelta(days=1))
    assert shown(document, clock)
