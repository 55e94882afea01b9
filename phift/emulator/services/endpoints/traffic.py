"""Traffic: which splits an endpoint takes, and which deployment the next request goes to."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from phift.emulator.services.endpoints.rules import refusal

__all__ = ["check_mirror", "check_traffic", "in_force", "mirror_in_force", "pick", "rerouted", "sampled"]

_SERVING = frozenset({"Succeeded", "Updating", "Scaling"})
_MOST_MIRRORED = 50  # percent (Azure docs)


def check_traffic(sent: Any, deployments: Mapping[str, str]) -> dict[str, int]:
    """The split to store, keys in the deployments' own case.

    sent: a document's traffic. deployments: provisioning states by name; one that never succeeded counts as Failed.
    Raises ServiceError for what the service refuses (assumed: traffic_texts).
    """
    split = _shares("Traffic", sent, deployments)
    if sum(split.values()) not in (0, 100):
        text = f"The sum of traffic must be 0 or 100, but is {sum(split.values())}."
        raise refusal({"Traffic": text})
    return split


def check_mirror(sent: Any, traffic: Mapping[str, int], deployments: Mapping[str, str]) -> dict[str, int]:
    """The mirrored traffic to store: at most half of the live traffic, to one deployment that has none of it.

    sent: a document's mirrorTraffic. traffic: the live split of the same document. deployments: as for check_traffic.
    Raises ServiceError for what the service refuses (assumed: traffic_texts).
    """
    split = _shares("MirrorTraffic", sent, deployments)
    mirrored = [name for name, share in split.items() if share]
    if len(mirrored) > 1:
        names = ", ".join(f"'{name}'" for name in mirrored)
        raise refusal({"MirrorTraffic": f"Traffic can be mirrored to one deployment only, not to {names}."})
    for name in mirrored:
        if split[name] > _MOST_MIRRORED:
            text = f"At most {_MOST_MIRRORED} % of the traffic can be mirrored, not {split[name]} %."
            raise refusal({"MirrorTraffic": text})
        if traffic.get(name):
            text = (
                f"Deployment '{name}' has {traffic[name]} % of the live traffic: a deployment has live or mirrored "
                "traffic, not both."
            )
            raise refusal({"MirrorTraffic": text})
    return split


def _shares(field: str, sent: Any, deployments: Mapping[str, str]) -> dict[str, int]:
    """Percentages by deployment, keys in the deployments' own case. field: Traffic or MirrorTraffic."""
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise refusal({field: f"{field} must be an object of percentages by deployment name."})
    names = {name.casefold(): name for name in deployments}
    shares: dict[str, int] = {}
    for name, share in sent.items():
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
            raise refusal({field: f"{field} of deployment '{name}' must be a whole number from 0 to 100."})
        own = names.get(name.casefold())
        if own is None:
            raise refusal({field: f"{field} is set for deployment '{name}', which does not exist."})
        state = deployments[own]
        if share and state not in _SERVING:
            text = f"{field} is set for deployment '{own}', which is in state {state} and not Succeeded."
            raise refusal({field: text})
        shares[own] = share
    return shares


def rerouted(record: dict[str, Any], traffic: dict[str, int], mirror: dict[str, int], seconds: float) -> dict[str, Any]:
    """An endpoint's record whose requests follow `traffic` and `mirror` after `seconds`, and the old until then."""
    if not seconds:
        return {**record, "routed": traffic, "mirrored": mirror, "reroute": None}
    following = {"at": time.time() + seconds, "traffic": traffic, "mirror": mirror}
    return {**record, "routed": in_force(record), "mirrored": mirror_in_force(record), "reroute": following}


def in_force(record: Mapping[str, Any]) -> dict[str, int]:
    """The split that an endpoint's requests follow now."""
    found: dict[str, int] = following["traffic"] if (following := _following(record)) else record["routed"]
    return found


def mirror_in_force(record: Mapping[str, Any]) -> dict[str, int]:
    """The mirrored traffic that is in force now. Records of earlier releases have none."""
    following = _following(record)
    found: dict[str, int] = (following or {}).get("mirror", {}) if following else record.get("mirrored", {})
    return found


def _following(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    following: Mapping[str, Any] | None = record.get("reroute")
    return following if following and time.time() >= following["at"] else None


def pick(split: Mapping[str, int]) -> str | None:
    """A deployment by weight; None when none has a positive one."""
    positive = {name: share for name, share in split.items() if share > 0}
    if len(positive) < 2:
        return next(iter(positive), None)
    return random.choices([*positive], weights=[*positive.values()])[0]


def sampled(mirror: Mapping[str, int]) -> str | None:
    """The deployment that gets a copy of this request; None for the requests that are not in the sample."""
    for name, share in mirror.items():
        if share and random.random() * 100 < share:
            return name
    return None
