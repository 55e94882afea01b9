"""To whom the traffic goes, and what is read of the split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from phift.state.exports import DeploymentExport
from phift.state.live import Observation

__all__ = ["TrafficObservation", "TrafficParts"]


@dataclass(frozen=True)
class TrafficParts:
    """deployment: the stack's. split: what the plan decided to write, per cent by deployment; None before. take_over:
    whether the shares of others go too."""

    deployment: DeploymentExport
    split: Mapping[str, int] | None = None
    take_over: bool = False


@dataclass(frozen=True)
class TrafficObservation(Observation):
    """foreign: the shares of deployments that are not the stack's, in per cent."""

    foreign: Mapping[str, int] = field(default_factory=dict)
