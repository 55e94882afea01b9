"""The traits of a kind: what the engine may assume of its resources, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Nature", "Traits"]


class Nature(StrEnum):
    """How a kind changes."""

    MUTABLE = "mutable"
    """Updated in place where its rules allow, else replaced: compute, endpoint."""
    VERSION = "version"
    """Found by its digest among immutable versions: data, model."""
    RUN = "run"
    """Carried out once for each digest: job."""


@dataclass(frozen=True)
class Traits:
    """One line for each trait. The defaults are those of a resource that exists for one stack and is billed for."""

    nature: Nature = Nature.MUTABLE
    deadline: float = 3600.0
    """Seconds that a create, an update or a run may take before apply stops waiting for it."""
    leaves_object: bool = True
    """An object is left in the workspace, which must be found there once the work is done."""
    shared: bool = False
    """Several stacks may use one object: what another stack owns is used as it is."""
    adoptable: bool = False
    """The spec's `adopt` may name the kind: an object without phift's tags becomes the stack's."""
    historic: bool = False
    """The object records what was true when it was made: it stays the stack's when the spec moves, and is kept."""
    trains: bool = False
    """Its run is the training: it costs the most, and reads the data."""
    hosts: bool = False
    """Deleting it deletes what it hosts."""
    hosted: bool = False
    """It is deleted with the resource that hosts it."""
    serves: bool = False
    """It answers requests from a container that has a log."""
    routes: bool = False
    """It decides which deployments receive requests; what it no longer names may be removed."""
    single: bool = False
    """A stack has at most one: a new one means that none of a former stack was found."""
    decided_last: bool = False
    """Its decision depends on those of resources that come after it in the stack."""
    tags_on_arm: bool = False
    """Its tags are kept by the resource manager, which limits their number and length."""
    replaceable: bool = False
    """`--replace` may name it."""
    instead: str = "Only a compute and a deployment can be; the others are found by their content."
    """What to do instead of `--replace`."""
    billed_in: str = ""
    """The ARM collection that lists its objects, of a kind that is billed for as long as the object exists."""
