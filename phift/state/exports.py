"""What a kind tells the kinds after it. The compiler hands these over in the order of dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phift.address import Address

__all__ = [
    "PIPELINE_OUTPUT",
    "ComputeExport",
    "DataExport",
    "DeploymentExport",
    "EndpointExport",
    "ModelExport",
    "RunExport",
    "TestExport",
]

PIPELINE_OUTPUT = "trained_model"
"""The output of the training's pipeline that holds the MLflow model, from which the model is registered."""


@dataclass(frozen=True)
class ComputeExport:
    """A cluster. role: "finetune" or "other_steps". size: its VM size, empty where not known."""

    address: Address
    name: str
    role: str
    size: str


@dataclass(frozen=True)
class DataExport:
    """A version of a split that the training reads. digest: its version."""

    address: Address
    split: str
    digest: str


@dataclass(frozen=True)
class RunExport:
    """A training. digest, inputs: of everything that decides what is trained."""

    address: Address
    digest: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class ModelExport:
    """A model to serve. name: in the workspace or the registry. digest: of what it was made from."""

    address: Address
    name: str
    digest: str


@dataclass(frozen=True)
class EndpointExport:
    """An endpoint. generated: whether nothing but this stack gives such a name."""

    address: Address
    name: str
    generated: bool


@dataclass(frozen=True)
class DeploymentExport:
    """A deployment. beside: whether a new one is created beside the old one, which goes on serving meanwhile."""

    address: Address
    name: str
    beside: bool


@dataclass(frozen=True)
class TestExport:
    """A test that must pass before traffic moves."""

    __test__ = False

    address: Address
