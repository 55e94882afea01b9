"""The instances that a deployment bills. The reserve of the quota is not billed."""

from __future__ import annotations

from phift.kinds.charge import Rate
from phift.kinds.deployment.count import wanted_count, with_serving_count
from phift.kinds.deployment.parts import BLUE_GREEN, DeploymentObservation, DeploymentParts
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["rate", "wanted_rate"]


def rate(live: Live) -> Rate | None:
    """Return the instances of a live deployment; a failed one is billed too."""
    size, count = live.properties.get("instance_type"), live.properties.get("instance_count")
    return Rate(str(size), int(count or 0)) if size else None


def wanted_rate(subject: Subject, desired: Desired[DeploymentParts], live: Live | None) -> Rate:
    """Return the instances after the apply, and at most if an autoscaler changes their number."""
    seen = subject.observed.get(desired.address)
    if subject.action(desired) is Action.REPLACE:
        live = None
    needed = with_serving_count(desired, seen if isinstance(seen, DeploymentObservation) else None)
    return Rate(
        str(desired.properties["instance_type"]),
        wanted_count(needed, live),
        most=desired.parts.maximum_count,
        side_by_side=desired.parts.strategy == BLUE_GREEN,
    )
