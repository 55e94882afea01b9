"""The parts and the observation of a model version."""

from __future__ import annotations

from dataclasses import dataclass

from phift.address import Address
from phift.folders import Folder
from phift.state.live import Observation

__all__ = ["FileParts", "ModelObservation", "ModelParts", "ReferenceParts"]


@dataclass(frozen=True)
class ModelParts:
    """run: the address of the training whose output is registered. size, nodes: what it runs on. tokens: those that it
    trains on, 0 if unknown."""

    run: Address
    size: str = ""
    nodes: int = 1
    tokens: int = 0


@dataclass(frozen=True)
class FileParts:
    """Files to register. uri: where they are already; empty for local ones. folder: the local files, if available."""

    uri: str = ""
    folder: Folder | None = None


@dataclass(frozen=True)
class ReferenceParts:
    """An existing version to serve. registry: empty for the workspace."""

    version: str
    registry: str = ""


@dataclass(frozen=True)
class ModelObservation(Observation):
    """next_version: the number after the highest one."""

    next_version: str = "1"
