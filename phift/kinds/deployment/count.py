"""The number of instances to request."""

from __future__ import annotations

from phift.kinds.deployment.parts import DeploymentParts
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["wanted_count"]


def wanted_count(desired: Desired[DeploymentParts], live: Live | None) -> int:
    """Return the number of instances to request: that of the spec, the current one, or the initial one."""
    return int(
        desired.properties.get("instance_count")
        or (live.properties.get("instance_count") if live else None)
        or desired.parts.initial_count
        or 1
    )
