"""The traits of a kind: properties of its resources that the engine relies on, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Nature", "Traits"]


class Nature(StrEnum):
    """The way in which a kind changes."""

    MUTABLE = "mutable"
    """Updated in place if its rules allow it, otherwise replaced: compute, endpoint."""
    VERSION = "version"
    """Identified by digest among immutable versions: data, model."""
    RUN = "run"
    """Run once for each digest: job."""


@dataclass(frozen=True)
class Traits:
    """The traits of a kind. The defaults describe a resource that belongs to one stack and is billed."""

    nature: Nature = Nature.MUTABLE
    deadline: float = 3600.0
    """Timeout of a create, an update or a run in seconds."""
    leaves_object: bool = True
    """Leaves an object in the workspace, which apply verifies afterwards."""
    shared: bool = False
    """Several stacks can use one object: an object of another stack is used as-is."""
    adoptable: bool = False
    """`adopt` of the spec can name the kind, to import an unmanaged object."""
    historic: bool = False
    """The object is a record of the past: it still belongs to the stack after the spec moves, and is kept."""
    trains: bool = False
    """Its run is the training, which is the most expensive step and reads the data."""
    hosts: bool = False
    """Deleting it deletes what it hosts."""
    hosted: bool = False
    """It is deleted with the resource that hosts it."""
    accompanies: bool = False
    """It belongs to another resource and costs nothing itself; it is deleted before that resource."""
    serves: bool = False
    """It answers requests from a container that has a log."""
    routes: bool = False
    """It decides which deployments receive requests; what it no longer names may be removed."""
    single: bool = False
    """A stack has at most one. Creating one means that none of a former stack was found."""
    decided_last: bool = False
    """Decided last: the decision depends on resources that come later in the stack."""
    tags_on_arm: bool = False
    """Its tags are kept by the resource manager, which limits their number and length."""
    replaceable: bool = False
    """Can be replaced with `--replace`."""
    instead: str = (
        "Only a compute, a deployment or its autoscale setting can be replaced; "
        "other resources are identified by their content."
    )
    """What to do instead of `--replace`."""
    billed_in: str = ""
    """The ARM collection of a kind that is billed while its objects exist; empty for other kinds."""
