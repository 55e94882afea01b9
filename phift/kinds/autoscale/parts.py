"""The parts and the observation of an autoscale setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from phift.state.exports import DeploymentExport
from phift.state.live import Live, Observation

__all__ = ["AutoscaleObservation", "AutoscaleParts"]


@dataclass(frozen=True)
class AutoscaleParts:
    """The parts of an autoscale setting. One that is no longer in the spec has the defaults.

    target: ARM id of the deployment. profiles: as written. maximum: number of instances at any time.
    """

    target: str = ""
    profiles: Sequence[Mapping[str, object]] = ()
    maximum: int = 0
    deployment: DeploymentExport | None = None


@dataclass(frozen=True)
class AutoscaleObservation(Observation):
    """others: further settings of the stack. rival: another setting of the same deployment, not owned by the stack."""

    rival: Live | None = None
