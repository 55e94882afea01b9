"""The desired resources that compiling a spec returns, as plain values with the field names of `az ml` YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from phift.address import Address
from phift.concealing import concealed_repr
from phift.diagnostics import Diagnostic
from phift.state.ownership import Claim
from phift.state.traits import Traits

__all__ = ["Desired", "NoParts", "Stack"]

P = TypeVar("P")


@dataclass(frozen=True)
class NoParts:
    """The parts of a kind without parts, and of a resource that is only looked up."""


_NONE: Any = NoParts()
_TRAITS = Traits()


@dataclass(frozen=True)
class Desired(Generic[P]):
    """A resource that the spec defines."""

    address: Address
    name: str
    """Name in the workspace."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """The managed properties. Only these are compared with the live object."""
    digest: str = ""
    """Digest of the inputs of an immutable resource; empty for others."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """The inputs of the digest. A later plan compares them to state why a resource must be re-created."""
    parts: P = _NONE
    """Values that the kind needs to create the resource; not compared."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """Further values shown in the plan; not compared and not used for decisions."""
    depends_on: tuple[Address, ...] = ()
    owned: bool = True
    """False for a reference, which is checked and never written."""
    protect: bool = False
    companion: str = ""
    """Name of an object outside the workspace that belongs to the resource; recorded in its marks."""
    azure: Mapping[str, Any] = field(default_factory=dict)
    """Merged last into the request body."""
    stack: str = ""
    former: tuple[str, ...] = ()
    """Earlier names of the stack. Objects tagged with them belong to this stack."""
    former_names: tuple[str, ...] = ()
    """Names that the resource had under earlier names of the stack."""
    generated: bool = False
    """Whether the name is generated and therefore unique to this stack."""
    restored: tuple[str, ...] = ()
    """Properties and `azure.*` leaves removed from the spec. An update resets them to the service's defaults."""
    adopt: bool = False
    """Whether to import the resource if it exists without tags."""
    traits: Traits = _TRAITS
    """The traits of the kind."""

    def __repr__(self) -> str:
        return concealed_repr(self)


@dataclass(frozen=True)
class Stack:
    """All resources of one spec on one target, in the order of their dependencies.

    claim: identifies the stack as the owner of its objects. notes: remarks to show in the plan.
    findings: problems of the spec; an error among them rejects the plan. former: earlier names of the stack.
    """

    name: str
    target: str
    claim: Claim
    resources: tuple[Desired[Any], ...]
    notes: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    former: tuple[str, ...] = ()

    def resource(self, address: Address) -> Desired[Any] | None:
        """Return the resource of an address, or None."""
        return next((r for r in self.resources if r.address == address), None)

    def of_kind(self, kind: str) -> tuple[Desired[Any], ...]:
        """Return the resources of a kind, in order."""
        return tuple(r for r in self.resources if r.address.kind == kind)

    def dependents(self, address: Address) -> tuple[Desired[Any], ...]:
        """Return the direct dependents of a resource, in order."""
        return tuple(r for r in self.resources if address in r.depends_on)
