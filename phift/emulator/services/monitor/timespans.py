"""Times as queries of metrics and autoscale settings write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from phift.emulator.runtime.serving.durations import seconds_of

__all__ = ["moment", "timespan", "written"]

_HOUR = 3600.0
_LATEST = 253_402_300_799.0  # the end of the year 9999


def moment(text: str) -> float:
    """The seconds since the epoch of an ISO 8601 time, in UTC where it does not say. Raises ValueError."""
    # `+` of an offset is a blank where the client did not quote it
    value = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    except OverflowError as error:
        raise ValueError(f"{text} is out of range") from error


def timespan(text: str, now: float) -> tuple[float, float]:
    """Start and end of `start/end`, of a duration, or of one with a start or an end; the last hour where nothing is
    said. Raises ValueError for anything else, and for an end that is not after the start."""
    first, slash, second = text.partition("/")
    if not text:
        start, end = now - _HOUR, now
    elif not slash:
        start, end = now - seconds_of(first), now
    elif first.startswith("P"):
        end = moment(second)
        start = end - seconds_of(first)
    else:
        start = moment(first)
        end = start + seconds_of(second) if second.startswith("P") else moment(second)
    if not start < end:
        raise ValueError("the end must be after the start")
    if start < 0 or end > _LATEST:
        raise ValueError("it is out of range")
    return start, end


def written(seconds: float) -> str:
    """A time as Azure Monitor writes it."""
    value = datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
