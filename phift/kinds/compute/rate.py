"""The nodes that a cluster bills at all times: its minimum. Nodes of a job are billed with the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.kinds.charge import DEDICATED, Rate
from phift.kinds.compute.parts import ComputeParts
from phift.kinds.compute.tier import tier_of
from phift.kinds.subject import Subject
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["rate", "wanted_rate"]


def rate(live: Live) -> Rate | None:
    """Return the nodes of a live cluster."""
    current = live.facts.get("nodes")
    found = _rate(live.properties)
    return found and replace(found, current=None if current is None else int(current))


def wanted_rate(subject: Subject, desired: Desired[ComputeParts], live: Live | None) -> Rate | None:
    """Return the nodes after the apply."""
    found = _rate(desired.properties)
    return found and replace(found, tier=tier_of(subject, desired, live, subject.action(desired)))


def _rate(properties: Mapping[str, Any]) -> Rate | None:
    size = properties.get("size")
    if not size:
        return None
    tier, region = properties.get("tier") or DEDICATED, properties.get("location") or ""
    return Rate(str(size), int(properties.get("min_instances") or 0), str(tier), str(region))
