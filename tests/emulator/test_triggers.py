"""When recurrences and cron expressions are due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from phift.emulator.services.schedules.timezones import zone, zone_names
from phift.emulator.services.schedules.triggers import BadTrigger, read_trigger

CREATED = datetime(2026, 3, 1, 10, 7, 30, tzinfo=UTC)  # a Sunday


def times(count: int = 4, after: datetime = CREATED, **trigger: Any) -> list[str]:
    read = read_trigger(trigger, CREATED)
    found: list[str] = []
    moment: datetime | None = after
    while len(found) < count and (moment := read.next(moment)):
        found.append(f"{moment:%m-%dT%H:%M:%S}")
    return found


def cron(expression: str, count: int = 3, **more: Any) -> list[str]:
    return times(count, triggerType="Cron", expression=expression, **more)


def every(frequency: str, interval: int = 1, count: int = 3, *, after: datetime = CREATED, **more: Any) -> list[str]:
    return times(count, after, triggerType="Recurrence", frequency=frequency, interval=interval, **more)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("15 10 * * *", ["03-01T10:15:00", "03-02T10:15:00", "03-03T10:15:00"]),
        ("15 10 * * 1", ["03-02T10:15:00", "03-09T10:15:00", "03-16T10:15:00"]),
        ("0 */12 * * sun", ["03-01T12:00:00", "03-08T00:00:00", "03-08T12:00:00"]),
        ("8,50-51 10 * * *", ["03-01T10:08:00", "03-01T10:50:00", "03-01T10:51:00"]),
        ("0 0 * * 7", ["03-08T00:00:00", "03-15T00:00:00", "03-22T00:00:00"]),
        ("0 9 * * mon-fri/2", ["03-02T09:00:00", "03-04T09:00:00", "03-06T09:00:00"]),
        ("0 9 24 12 *", ["03-02T09:00:00", "03-03T09:00:00", "03-04T09:00:00"]),
    ],
)
def test_cron(expression: str, expected: list[str]) -> None:
    """Days of the month and months count as `*`, as the service documents."""
    assert cron(expression) == expected


def test_recurrences_count_from_their_start() -> None:
    assert every("Minute", 5) == ["03-01T10:12:30", "03-01T10:17:30", "03-01T10:22:30"]
    assert every("Hour", 6, startTime="2026-03-01T00:00:00") == ["03-01T12:00:00", "03-01T18:00:00", "03-02T00:00:00"]
    assert every("Day", 2, startTime="2026-05-10 10:15:00") == ["05-10T10:15:00", "05-12T10:15:00", "05-14T10:15:00"]
    assert every("Week", startTime="2026-02-03T08:00:00") == ["03-03T08:00:00", "03-10T08:00:00", "03-17T08:00:00"]
    assert every("Month", startTime="2026-01-31T08:00:00") == ["03-31T08:00:00", "05-31T08:00:00", "07-31T08:00:00"]


def test_patterns() -> None:
    hours = {"hours": [4, 16], "minutes": [30]}
    assert every("Day", schedule=hours) == ["03-01T16:30:00", "03-02T04:30:00", "03-02T16:30:00"]
    days = {"hours": [10], "minutes": [0], "weekDays": ["Friday", "monday"]}
    assert every("Week", startTime="2026-03-02T00:00:00", schedule=days) == [
        "03-02T10:00:00",
        "03-06T10:00:00",
        "03-09T10:00:00",
    ]
    assert every("Week", 2, count=3, startTime="2026-03-02T00:00:00", schedule=days) == [
        "03-02T10:00:00",
        "03-06T10:00:00",
        "03-16T10:00:00",
    ]
    month = {"hours": [0], "minutes": [0], "monthDays": [30, 1]}
    assert every("Month", schedule=month, count=4) == [
        "03-30T00:00:00",
        "04-01T00:00:00",
        "04-30T00:00:00",
        "05-01T00:00:00",
    ]
    empty = {"hours": [], "minutes": []}
    assert every("Day", schedule=empty, count=1) == ["03-02T10:07:30"]


def test_a_trigger_ends() -> None:
    assert every("Day", startTime="2026-03-02T08:00:00", endTime="2026-03-03T08:00:00") == [
        "03-02T08:00:00",
        "03-03T08:00:00",
    ]
    assert cron("0 8 * * *", endTime="2026-03-02T08:00:00") == ["03-02T08:00:00"]
    never = {"hours": [0], "minutes": [0], "monthDays": [30]}
    assert every("Month", 12, startTime="2026-02-01T00:00:00", schedule=never) == []


def test_times_are_those_of_the_zone() -> None:
    pacific = {"timeZone": "Pacific Standard Time"}
    assert cron("0 9 * * *", count=8, **pacific)[-2:] == ["03-07T17:00:00", "03-08T16:00:00"], "summer time begins"
    start = {"startTime": "2026-03-02T09:00:00", **pacific}
    assert every("Day", count=1, **start) == ["03-02T17:00:00"]
    assert every("Day", count=1, startTime="2026-03-02T09:00:00Z", **pacific) == ["03-02T09:00:00"]
    autumn = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    assert every("Hour", count=4, after=autumn, startTime="2026-11-01T00:00:00", **pacific) == [
        f"11-01T{hour:02}:00:00" for hour in (8, 9, 10, 11)
    ], "an hour that the clocks repeat counts twice"


@pytest.mark.parametrize(
    ("trigger", "field"),
    [
        ({"triggerType": "Sundial"}, "triggerType"),
        ({"triggerType": "Cron", "expression": "* * * *"}, "expression"),
        ({"triggerType": "Cron", "expression": "60 * * * *"}, "expression"),
        ({"triggerType": "Cron", "expression": "* 5-3 * * *"}, "expression"),
        ({"triggerType": "Cron", "expression": "* * * * nev"}, "expression"),
        ({"triggerType": "Cron", "expression": "*/0 * * * *"}, "expression"),
        ({"triggerType": "Recurrence", "frequency": "Year", "interval": 1}, "frequency"),
        ({"triggerType": "Recurrence", "frequency": "Day", "interval": 0}, "interval"),
        ({"triggerType": "Recurrence", "frequency": "Day", "interval": True}, "interval"),
        ({"triggerType": "Recurrence", "frequency": "Day", "interval": 1, "startTime": "soon"}, "startTime"),
        ({"triggerType": "Recurrence", "frequency": "Day", "interval": 1, "endTime": "2020-01-01T00:00:00"}, "endTime"),
        (
            {"triggerType": "Recurrence", "frequency": "Day", "interval": 1, "endTime": "0001-01-01T00:00:00Z"},
            "endTime",
        ),
        (
            {"triggerType": "Recurrence", "frequency": "Day", "interval": 1, "schedule": {"hours": [24]}},
            "schedule.hours",
        ),
        (
            {"triggerType": "Recurrence", "frequency": "Week", "interval": 1, "schedule": {"weekDays": ["Someday"]}},
            "schedule.weekDays",
        ),
    ],
)
def test_what_is_wrong_is_named(trigger: dict[str, Any], field: str) -> None:
    with pytest.raises(BadTrigger) as caught:
        read_trigger(trigger, CREATED)
    assert caught.value.field == field


def test_every_time_zone_of_the_sdk_is_known() -> None:
    constants = pytest.importorskip("azure.ai.ml.constants")
    assert {each.value for each in constants.TimeZone} <= set(zone_names())
    for name in zone_names():
        zone(name.upper())
    with pytest.raises(LookupError):
        zone("Mars Standard Time")
