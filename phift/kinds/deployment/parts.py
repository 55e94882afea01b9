"""The parts and the observation of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from phift.address import Address
from phift.spec import AssetRef, SecretRef
from phift.state.live import Observation

__all__ = ["BLUE_GREEN", "IN_PLACE", "REPLACE", "DeploymentObservation", "DeploymentParts"]

BLUE_GREEN, IN_PLACE, REPLACE = "blue_green", "in_place", "replace"
"""Strategies of `rollout`."""


@dataclass(frozen=True)
class DeploymentParts:
    """The parts of a deployment. One that is no longer in the spec has only the endpoint."""

    endpoint: str
    """Name of the endpoint."""
    model: Address | None = None
    """The address of the model that it serves."""
    model_name: str = ""
    strategy: str = ""
    keep_previous: int = 0
    """Number of older deployments to keep."""
    keep_hours: int | None = None
    """How long to keep them after they stop receiving traffic; None: no limit."""
    keep: str = ""
    """The mark to write on one that is no longer in the spec, see phift.kinds.deployment.keeping."""
    initial_count: int | None = None
    """Number of instances at creation, if an autoscaler changes it afterwards."""
    maximum_count: int | None = None
    """Maximum number of instances of the autoscaler; None without one, or if it is not known."""
    serving_count: int = 0
    """Live instances that this deployment must match before it takes over the traffic; 0 for none."""
    environment: str | Address | None = None
    """The reference to send, or the address of an environment of the spec."""
    code: AssetRef | Address | None = None
    """Registered code, or the address of the code of the spec."""
    scoring_script: str = ""
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)
    """Environment variables by name."""
    allow: tuple[str, ...] = ()
    """Sizes that the author accepts; empty: all."""


@dataclass(frozen=True)
class DeploymentObservation(Observation):
    """busy: live traffic in per cent by lower-case name. inputs: the inputs of the live deployment. count: of all
    deployments of the endpoint, those of others included. now: time of the service."""

    busy: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    count: int = 0
    now: datetime | None = None
