"""Specs of autoscaled deployments over a workspace in memory, and what they make there."""

from __future__ import annotations

import itertools
from typing import Any

from worlds import World

from phift.kinds.shared.monitor import settings_path
from phift.phases import Request
from phift.plan.model import Plan

__all__ = ["RULES", "SCALE", "SIZES", "counts", "deployments", "order", "scaled", "settings", "spec"]

SIZES = ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4")
RULES = [
    {"metric": "GpuUtilizationPercentage", "above": 70, "add": 1},
    {"metric": "GpuUtilizationPercentage", "below": 25, "remove": 1},
]
SCALE: dict[str, Any] = {"minimum": 1, "maximum": 4, "initial": 2, "rules": RULES}


def spec(world: World, size: str = SIZES[0], *, rollout: Any = None, scale: Any = SCALE, **more: Any) -> Request:
    deployment = {"instance_type": size, **({"autoscale": scale} if scale else {"instance_count": 1}), **more}
    return world.write("a.yaml", "shop", deployment=deployment, rollout=rollout)


def settings(world: World) -> dict[str, dict[str, Any]]:
    """The documents of all settings, by the deployment that they scale."""
    found = world.memory.children.get(settings_path(world.memory.workspace).lower(), {})
    return {d["properties"]["targetResourceUri"].rpartition("/")[2]: d for d in found.values()}


def deployments(world: World) -> dict[str, dict[str, Any]]:
    (endpoint,) = world.names("onlineEndpoints")
    path = f"{world.memory.workspace.arm_id}/onlineendpoints/{endpoint}/deployments".lower()
    return dict(world.memory.children.get(path, {}))


def counts(world: World) -> dict[str, int]:
    return {name: d["sku"]["capacity"] for name, d in deployments(world).items()}


def scaled(world: World, name: str, count: int) -> None:
    """The autoscaler changes the number of instances."""
    deployments(world)[name]["sku"]["capacity"] = count


def order(plan: Plan, *addresses: str) -> None:
    """Each of these waits for the one before it, by way of others or not."""
    needs = {str(r.address): [str(a) for a in r.depends_on] for r in plan.resources}

    def waits(later: str, earlier: str) -> bool:
        return earlier in needs[later] or any(waits(each, earlier) for each in needs[later] if each in needs)

    for earlier, later in itertools.pairwise(addresses):
        assert waits(later, earlier), f"{later} does not wait for {earlier}: {needs}"
