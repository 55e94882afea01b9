"""The fields of a cluster."""

from __future__ import annotations

from typing import Any

from phift.catalog.vm_sizes import spelled
from phift.kinds.shared.fields import TAGS, Field
from phift.kinds.shared.wire import seconds_of

__all__ = ["TABLE"]

_TIERS = {"dedicated": "dedicated", "lowpriority": "low_priority"}


def _tier(value: Any) -> str:
    priority = str(value or "dedicated")
    return _TIERS.get(priority.lower(), priority)


def _size(value: Any) -> str | None:
    """Normalize the size: the service varies its spelling between reads (recorded 2024-12)."""
    return spelled(str(value)) if value else None


TABLE = (
    Field("type", "properties.computeType", lambda value: str(value or "").lower(), build=None),
    Field("size", "properties.properties.vmSize", _size),
    Field("tier", "properties.properties.vmPriority", _tier),
    Field("min_instances", "properties.properties.scaleSettings.minNodeCount"),
    Field("max_instances", "properties.properties.scaleSettings.maxNodeCount"),
    Field(
        "idle_time_before_scale_down",
        "properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown",
        seconds_of,
    ),
    Field("description", "properties.description"),
    TAGS,
)
