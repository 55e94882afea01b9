"""What a deployment is made of, and what is read around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.address import Address
from phift.spec import SecretRef
from phift.state.live import Observation

__all__ = ["BLUE_GREEN", "IN_PLACE", "REPLACE", "DeploymentObservation", "DeploymentParts"]

BLUE_GREEN, IN_PLACE, REPLACE = "blue_green", "in_place", "replace"
"""Strategies of `rollout`."""


@dataclass(frozen=True)
class DeploymentParts:
    """One that left the spec has its endpoint alone."""

    endpoint: str
    """Its name."""
    model: Address | None = None
    """The address of the model that it serves."""
    model_name: str = ""
    strategy: str = ""
    keep_previous: int = 0
    """How many older deployments stay beside it."""
    initial_count: int | None = None
    """Instances at creation, of one that somebody else scales afterwards."""
    environment: str | None = None
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)
    """Environment variables by name."""
    allow: tuple[str, ...] = ()
    """Sizes that the author accepts; empty for all."""


@dataclass(frozen=True)
class DeploymentObservation(Observation):
    """busy: per cent of the live traffic by name in lower case. inputs: what the live deployment was made from."""

    busy: Mapping[str, int] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
