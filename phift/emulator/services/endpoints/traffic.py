"""Traffic: which splits an endpoint takes, and which deployment the next request goes to."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from phift.emulator.services.endpoints.rules import refusal

__all__ = ["check_traffic", "in_force", "pick", "rerouted"]

_SERVING = frozenset({"Succeeded", "Updating", "Scaling"})


def check_traffic(sent: Any, mirror: Any, deployments: Mapping[str, str]) -> dict[str, int]:
    """The split to store, keys in the deployments' own case.

    sent: a document's traffic. mirror: its mirrorTraffic. deployments: provisioning states by name; one that never
    succeeded counts as Failed. Raises ServiceError for what the service refuses (assumed: traffic_texts).
    """
    if mirror and any(mirror.values()):
        raise refusal({"MirrorTraffic": "The embedded Azure ML does not mirror traffic."})
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise refusal({"Traffic": "Traffic must be an object of percentages by deployment name."})
    names = {name.casefold(): name for name in deployments}
    split: dict[str, int] = {}
    for name, share in sent.items():
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
            raise refusal({"Traffic": f"Traffic of deployment '{name}' must be a whole number from 0 to 100."})
        own = names.get(name.casefold())
        if own is None:
            raise refusal({"Traffic": f"Traffic is set for deployment '{name}', which does not exist."})
        state = deployments[own]
        if share and state not in _SERVING:
            text = f"Traffic is set for deployment '{own}', which is in state {state} and not Succeeded."
            raise refusal({"Traffic": text})
        split[own] = share
    if sum(split.values()) not in (0, 100):
        text = f"The sum of traffic must be 0 or 100, but is {sum(split.values())}."
        raise refusal({"Traffic": text})
    return split


def rerouted(record: dict[str, Any], traffic: dict[str, int], seconds: float) -> dict[str, Any]:
    """An endpoint's record whose requests follow `traffic` after `seconds`, and the old split until then."""
    if not seconds:
        return {**record, "routed": traffic, "reroute": None}
    return {**record, "routed": in_force(record), "reroute": {"at": time.time() + seconds, "traffic": traffic}}


def in_force(record: Mapping[str, Any]) -> dict[str, int]:
    """The split that an endpoint's requests follow now."""
    following = record.get("reroute")
    found: dict[str, int] = following["traffic"] if following and time.time() >= following["at"] else record["routed"]
    return found


def pick(split: Mapping[str, int]) -> str | None:
    """A deployment by weight; None when none has a positive one."""
    positive = {name: share for name, share in split.items() if share > 0}
    if len(positive) < 2:
        return next(iter(positive), None)
    return random.choices([*positive], weights=[*positive.values()])[0]
