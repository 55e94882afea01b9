"""When a trigger is due: recurrences and cron expressions, in the time zone that they name.

Everything here is a pure function of the trigger and of a moment.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from phift.emulator.services.schedules.timezones import zone

__all__ = ["BadTrigger", "Cron", "Recurrence", "Trigger", "read_trigger"]

_SECONDS = {"minute": 60, "hour": 3600}
_FREQUENCIES = ("minute", "hour", "day", "week", "month")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CRON_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_MOST_INTERVAL = 1000
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
_LOOKED_AT = 4000
"""Periods that are looked through for the next time; a recurrence on 30 February has none."""
_STEP = re.compile(r"(\*|\w+(?:-\w+)?)(?:/([0-9]{1,3}))?")


class BadTrigger(ValueError):
    """A trigger is malformed. field: the member that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Trigger(ABC):
    """What recurrences and cron expressions share. zone: of all its times. start: naive, in that zone. end: naive, or
    None for a trigger without an end."""

    zone: tzinfo
    start: datetime
    end: datetime | None

    def next(self, after: datetime) -> datetime | None:
        """The first time after a moment at which it is due, in UTC; None when there is none any more."""
        local = after.astimezone(self.zone).replace(tzinfo=None)
        for candidate in self._times(max(local, self.start)):
            moment = candidate.replace(tzinfo=self.zone).astimezone(UTC)
            if self.end is not None and candidate > self.end:
                return None
            if moment > after and candidate >= self.start:
                return moment
        return None

    @abstractmethod
    def _times(self, since: datetime) -> Iterator[datetime]:
        """Naive times of the zone, ascending, from one that is not after `since`, or not long before it."""


@dataclass(frozen=True)
class Recurrence(Trigger):
    """Every `interval` minutes, hours, days, weeks or months since the start; of days, weeks and months at the times of
    a pattern, where there is one."""

    frequency: str
    interval: int
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    week_days: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()

    def next(self, after: datetime) -> datetime | None:
        """As of any trigger; minutes and hours are counted as they pass, whatever the zone's clocks do."""
        if self.frequency not in _SECONDS:
            return super().next(after)
        step = timedelta(seconds=_SECONDS[self.frequency] * self.interval)
        start = self.start.replace(tzinfo=self.zone).astimezone(UTC)
        moment = start if start > after else start + ((after - start) // step + 1) * step
        over = self.end is not None and moment > self.end.replace(tzinfo=self.zone)
        return None if over else moment

    def _times(self, since: datetime) -> Iterator[datetime]:
        times = sorted(
            (hour, minute)
            for hour in self.hours or (self.start.hour,)
            for minute in self.minutes or (self.start.minute,)
        )
        second = 0 if self.hours or self.minutes else self.start.second
        for day in self._days(since):
            for hour, minute in times:
                yield day.replace(hour=hour, minute=minute, second=second, microsecond=0)

    def _days(self, since: datetime) -> Iterator[datetime]:
        """The days on which it is due, ascending, at midnight."""
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.frequency == "day":
            first = max(0, (since - midnight).days // self.interval)
            for index in range(first, first + _LOOKED_AT):
                yield midnight + timedelta(days=index * self.interval)
        elif self.frequency == "week":
            monday = midnight - timedelta(days=midnight.weekday())
            first = max(0, (since - monday).days // 7 // self.interval)
            days = sorted(self.week_days or (midnight.weekday(),))
            for index in range(first, first + _LOOKED_AT):
                yield from (monday + timedelta(weeks=index * self.interval, days=day) for day in days)
        else:
            months = (since.year - midnight.year) * 12 + since.month - midnight.month
            first = max(0, months // self.interval)
            for index in range(first, first + _LOOKED_AT):
                year, month = divmod(midnight.year * 12 + midnight.month - 1 + index * self.interval, 12)
                for day in sorted(self.month_days or (midnight.day,)):
                    try:
                        yield midnight.replace(year=year, month=month + 1, day=day)
                    except ValueError:  # a month without that day, or beyond the last year
                        continue


@dataclass(frozen=True)
class Cron(Trigger):
    """At the minutes, hours and days of the week of an expression, whose days and months count as `*` (Azure docs).
    week_days: 0 is Sunday."""

    minutes: frozenset[int]
    hours: frozenset[int]
    week_days: frozenset[int]

    def _times(self, since: datetime) -> Iterator[datetime]:
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
        times = [(hour, minute) for hour in sorted(self.hours) for minute in sorted(self.minutes)]
        for index in range(9):
            day = midnight + timedelta(days=index)
            if (day.weekday() + 1) % 7 in self.week_days:
                yield from (day.replace(hour=hour, minute=minute) for hour, minute in times)


def read_trigger(sent: Mapping[str, Any], created: datetime) -> Trigger:
    """The trigger of a document. created: when its schedule was, the start of one that names none (assumed:
    schedule_starts). Raises BadTrigger, and LookupError for a time zone that is not known."""
    name = str(sent.get("timeZone") or "UTC")
    where = zone(name)
    start = _moment(sent, "startTime", where) or created.astimezone(where).replace(tzinfo=None)
    end = _moment(sent, "endTime", where)
    if end is not None and end <= start:
        raise BadTrigger("endTime", f"The end time {sent['endTime']} is not after the start time.")
    kind = sent.get("triggerType")
    if kind == "Cron":
        return _cron(sent, where, start, end)
    if kind == "Recurrence":
        return _recurrence(sent, where, start, end)
    raise BadTrigger("triggerType", f"The trigger type {kind!r} is not Cron or Recurrence.")


def _moment(sent: Mapping[str, Any], field: str, where: tzinfo) -> datetime | None:
    """A time without an offset is one of the zone."""
    text = sent.get(field)
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(str(text))
        moment = moment.astimezone(where).replace(tzinfo=None) if moment.tzinfo else moment
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValueError
    except (ValueError, OverflowError):
        raise BadTrigger(field, f"{field} must be a time like 2026-01-31T12:00:00, not {text!r}.") from None
    return moment


def _recurrence(sent: Mapping[str, Any], where: tzinfo, start: datetime, end: datetime | None) -> Recurrence:
    frequency, interval = str(sent.get("frequency") or "").lower(), sent.get("interval")
    if frequency not in _FREQUENCIES:
        raise BadTrigger("frequency", "The frequency must be Minute, Hour, Day, Week or Month.")
    if isinstance(interval, bool) or not isinstance(interval, int) or not 1 <= interval <= _MOST_INTERVAL:
        raise BadTrigger("interval", f"The interval must be a whole number from 1 to {_MOST_INTERVAL}.")
    pattern = sent.get("schedule") or {}
    names = [str(day).lower() for day in pattern.get("weekDays") or ()]
    if unknown := [name for name in names if name not in _DAYS]:
        raise BadTrigger("schedule.weekDays", f"{unknown[0]!r} is not a day of the week.")
    return Recurrence(
        where,
        start,
        end,
        frequency,
        interval,
        _numbers(pattern, "hours", range(24)),
        _numbers(pattern, "minutes", range(60)),
        tuple(_DAYS.index(name) for name in names),
        _numbers(pattern, "monthDays", range(1, 32)),
    )


def _numbers(pattern: Mapping[str, Any], field: str, allowed: range) -> tuple[int, ...]:
    found = pattern.get(field) or ()
    if not isinstance(found, list | tuple) or not all(
        isinstance(each, int) and not isinstance(each, bool) and each in allowed for each in found
    ):
        message = f"{field} must be a list of whole numbers from {allowed.start} to {allowed.stop - 1}."
        raise BadTrigger(f"schedule.{field}", message)
    return tuple(sorted(set(found)))


def _cron(sent: Mapping[str, Any], where: tzinfo, start: datetime, end: datetime | None) -> Cron:
    expression = str(sent.get("expression") or "")
    fields = expression.split()
    if len(fields) != 5:
        raise BadTrigger("expression", f"The cron expression '{expression}' must have five fields.")
    minutes, hours, days, months, week_days = fields
    _values(days, range(1, 32), {})  # checked, and then treated as *
    _values(months, range(1, 13), {})
    weekly = {day % 7 for day in _values(week_days, range(8), _CRON_DAYS)}
    return Cron(
        where,
        start,
        end,
        frozenset(_values(minutes, range(60), {})),
        frozenset(_values(hours, range(24), {})),
        frozenset(weekly),
    )


def _values(field: str, allowed: range, names: Mapping[str, int]) -> set[int]:
    """The numbers of one field: `*`, numbers, ranges, steps, and lists of them."""
    found: set[int] = set()
    for part in field.split(","):
        match = _STEP.fullmatch(part)
        if match is None:
            raise BadTrigger("expression", f"The part '{part}' of the cron expression is invalid.")
        bounds, step = match[1], int(match[2] or 1)
        low, _, high = ("0", "", "0") if bounds == "*" else bounds.partition("-")
        try:
            first = allowed.start if bounds == "*" else _number(low, names)
            last = allowed.stop - 1 if bounds == "*" or (not high and match[2]) else _number(high or low, names)
        except ValueError:
            raise BadTrigger("expression", f"The part '{part}' of the cron expression is invalid.") from None
        if step < 1 or first not in allowed or last not in allowed or first > last:
            raise BadTrigger("expression", f"The part '{part}' of the cron expression is out of range.")
        found |= set(range(first, last + 1, step))
    return found


def _number(text: str, names: Mapping[str, int]) -> int:
    return names[text.lower()] if text.lower() in names else int(text)
