"""Time zones by the names of Windows, which schedules are written with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

__all__ = ["zone", "zone_names"]


@cache
def zone_names() -> Mapping[str, str]:
    """The names of the IANA by those of Windows."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return MappingProxyType(yaml.load(Path(__file__).with_name("timezones.yaml").read_bytes(), loader))


@cache
def _by_lower_name() -> dict[str, str]:
    return {name.casefold(): zone for name, zone in zone_names().items()}


def zone(name: str) -> ZoneInfo:
    """The zone of a Windows name, case-insensitive. Raises LookupError for an unknown one, or one that the time zone
    data of this machine lacks."""
    return ZoneInfo(_by_lower_name()[name.casefold()])
