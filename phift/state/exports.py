"""Values that a kind exports to the kinds compiled after it, in the order of dependencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phift.address import Address

__all__ = [
    "PIPELINE_OUTPUT",
    "AutoscaleExport",
    "CodeExport",
    "ComputeExport",
    "DataExport",
    "DeploymentExport",
    "EndpointExport",
    "EnvironmentExport",
    "ModelExport",
    "RunExport",
    "TestExport",
]

PIPELINE_OUTPUT = "trained_model"
"""The output of the training pipeline that contains the MLflow model to register."""


@dataclass(frozen=True)
class ComputeExport:
    """A cluster, or serverless compute. role: "finetune" or "other_steps". size: its VM size, empty if unknown.

    name: of the cluster, empty for serverless compute. address: None for serverless compute.
    """

    role: str
    size: str
    name: str = ""
    address: Address | None = None

    @property
    def serverless(self) -> bool:
        return not self.name


@dataclass(frozen=True)
class DataExport:
    """A data version that the training reads. digest: its version."""

    address: Address
    split: str
    digest: str


@dataclass(frozen=True)
class RunExport:
    """A training run. digest, inputs: of everything that determines the result of the training. size: the VM size of
    its nodes, empty if unknown."""

    address: Address
    digest: str
    inputs: Mapping[str, Any]
    size: str = ""
    nodes: int = 1


@dataclass(frozen=True)
class ModelExport:
    """A model to serve. name: in the workspace or the registry. digest: of its inputs. type: empty if unknown."""

    address: Address
    name: str
    digest: str
    type: str = ""


@dataclass(frozen=True)
class CodeExport:
    """The code of a deployment. digest: of its content."""

    address: Address
    digest: str


@dataclass(frozen=True)
class EnvironmentExport:
    """An environment that the spec defines. digest: of its content."""

    address: Address
    name: str
    digest: str


@dataclass(frozen=True)
class EndpointExport:
    """An endpoint. generated: whether the name is generated and therefore unique to this stack."""

    address: Address
    name: str
    generated: bool


@dataclass(frozen=True)
class DeploymentExport:
    """A deployment. A flag tells whether it is created next to the old one, which serves until then.

    setting: name of its autoscale setting, "" without one. initial_count, maximum_count: instances at creation, unless
    the deployment that it replaces has more, and at most.
    """

    address: Address
    name: str
    beside: bool
    setting: str = ""
    initial_count: int = 1
    maximum_count: int = 1


@dataclass(frozen=True)
class AutoscaleExport:
    """An autoscale setting, which must exist before traffic moves."""

    address: Address


@dataclass(frozen=True)
class TestExport:
    """A test that must pass before traffic moves."""

    __test__ = False

    address: Address
