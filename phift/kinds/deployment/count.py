"""The number of instances to request."""

from __future__ import annotations

from dataclasses import replace

from phift.kinds.deployment.parts import DeploymentObservation, DeploymentParts
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["autoscaled", "wanted_count", "with_serving_count"]


def autoscaled(desired: Desired[DeploymentParts]) -> bool:
    """Return whether an autoscaler owns the number of instances."""
    return desired.parts.initial_count is not None


def wanted_count(desired: Desired[DeploymentParts], live: Live | None) -> int:
    """Return the number of instances to request: that of the spec, the current one, or the initial one.

    An autoscaled deployment that takes over the traffic gets at least the instances that serve it now, up to its
    maximum.
    """
    if fixed := desired.properties.get("instance_count"):
        return int(fixed)
    parts = desired.parts
    current = int((live.properties.get("instance_count") if live else None) or 0)
    serving = min(parts.serving_count, parts.maximum_count or parts.serving_count)
    return max(current or parts.initial_count or 1, serving)


def with_serving_count(
    desired: Desired[DeploymentParts], seen: DeploymentObservation | None
) -> Desired[DeploymentParts]:
    """Return the deployment with the number of instances that it must match: those that serve the traffic now, and its
    own, which a replacement deletes."""
    if seen is None or not autoscaled(desired):
        return desired
    own = _count(seen.live) if seen.live else 0
    serves = seen.live is not None and seen.live.name.lower() in seen.busy
    others = [_count(other) for other in seen.others if other.name.lower() in seen.busy and not serves]
    return replace(desired, parts=replace(desired.parts, serving_count=max([own, *others])))


def _count(live: Live) -> int:
    return int(live.properties.get("instance_count") or 0)
