"""The fields of a cluster."""

from __future__ import annotations

from typing import Any

from phift.catalog.vm_sizes import spelled
from phift.kinds.shared.fields import TAGS, Field, Group
from phift.kinds.shared.identities import IDENTITY
from phift.kinds.shared.wire import seconds_of
from phift.workspace import region_name

__all__ = ["ADDED", "TABLE"]

_INNER = "properties.properties"
_TIERS = {"dedicated": "dedicated", "lowpriority": "low_priority"}


def _tier(value: Any) -> str:
    priority = str(value or "dedicated")
    return _TIERS.get(priority.lower(), priority)


def _size(value: Any) -> str | None:
    """Normalize the size: the service varies its spelling between reads (recorded 2024-12)."""
    return spelled(str(value)) if value else None


def _region(value: Any) -> str | None:
    return region_name(str(value)) if value else None


def _public(value: Any) -> bool:
    """Nodes have public addresses unless the document says otherwise."""
    return value is not False


def _opened(value: Any) -> bool:
    return str(value).lower() == "enabled"


TABLE = (
    Field("type", "properties.computeType", lambda value: str(value or "").lower(), build=None),
    Field("location", "location", _region),
    Field("size", f"{_INNER}.vmSize", _size),
    Field("tier", f"{_INNER}.vmPriority", _tier),
    Field("min_instances", f"{_INNER}.scaleSettings.minNodeCount"),
    Field("max_instances", f"{_INNER}.scaleSettings.maxNodeCount"),
    Field("idle_time_before_scale_down", f"{_INNER}.scaleSettings.nodeIdleTimeBeforeScaleDown", seconds_of),
    IDENTITY,
    Group(
        "network",
        _INNER,
        (Field("subnet", "subnet.id"), Field("enable_node_public_ip", "enableNodePublicIp", _public)),
        None,
    ),
    Group(
        "ssh",
        _INNER,
        (
            Field("admin_username", "userAccountCredentials.adminUserName"),
            Field("ssh_key_value", "userAccountCredentials.adminUserSshPublicKey"),
            Field("public_access_enabled", "remoteLoginPortPublicAccess", _opened),
        ),
        None,
    ),
    Field("description", "properties.description"),
    TAGS,
)

ADDED = frozenset({"identity", "location", "network", "ssh"})
"""See phift.state.live.Live.added."""
