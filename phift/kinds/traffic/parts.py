"""The parts and the observation of the traffic split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from phift.state.exports import DeploymentExport
from phift.state.live import Observation

__all__ = ["TrafficObservation", "TrafficParts"]


@dataclass(frozen=True)
class TrafficParts:
    """deployment: of the stack. split: the planned traffic in per cent by deployment; None before planning. take_over:
    whether to overwrite the shares of others."""

    deployment: DeploymentExport
    split: Mapping[str, int] | None = None
    take_over: bool = False


@dataclass(frozen=True)
class TrafficObservation(Observation):
    """foreign: shares of deployments that the stack does not own, in per cent."""

    foreign: Mapping[str, int] = field(default_factory=dict)
