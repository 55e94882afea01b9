"""ISO 8601 durations, as deployments write timeouts and probes."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["seconds_of"]

_DURATION = re.compile(
    r"P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)
_SECONDS = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}


@lru_cache(maxsize=256)
def seconds_of(text: str) -> float:
    """The seconds of a duration such as PT1M30S; raises ValueError for anything else (years and months too)."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groupdict().values()):
        raise ValueError(f"not a duration such as PT1M30S: {text!r}")
    return sum(float(found[unit]) * each for unit, each in _SECONDS.items() if found[unit])
