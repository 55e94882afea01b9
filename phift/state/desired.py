"""What compiling a spec gives: the resources wanted, as plain values in the words of `az ml` YAML."""

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
    """The parts of a kind that needs none, and of a resource that is only looked up."""


_NONE: Any = NoParts()
_TRAITS = Traits()


@dataclass(frozen=True)
class Desired(Generic[P]):
    """One resource wanted in the workspace."""

    address: Address
    name: str
    """In the workspace."""
    properties: Mapping[str, Any] = field(default_factory=dict)
    """What phift manages; only these are compared with the live object."""
    digest: str = ""
    """Of what went into something immutable; empty for the rest."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the digest covers: a later plan compares it to say why something must be created again."""
    parts: P = _NONE
    """What the kind needs to create it; not compared."""
    shown: Mapping[str, Any] = field(default_factory=dict)
    """What else a plan shows of it; not compared, and nothing is decided by it."""
    depends_on: tuple[Address, ...] = ()
    owned: bool = True
    """False for a reference, which is read and checked and never written."""
    protect: bool = False
    azure: Mapping[str, Any] = field(default_factory=dict)
    """Merged last into the request body."""
    stack: str = ""
    former: tuple[str, ...] = ()
    """The stack's earlier names, whose tags are ours too."""
    former_names: tuple[str, ...] = ()
    """What an earlier stack would have named it."""
    generated: bool = False
    """Whether nothing but this stack gives such a name."""
    restored: tuple[str, ...] = ()
    """What left the spec, properties and `azure.*` leaves: an update resets it to the service's defaults."""
    adopt: bool = False
    """Whether it is taken over where it exists without tags."""
    traits: Traits = _TRAITS
    """Those of its kind."""

    def __repr__(self) -> str:
        return concealed_repr(self)


@dataclass(frozen=True)
class Stack:
    """All resources of one spec on one target, in the order of their dependencies.

    claim: what identifies the stack as the owner of its objects. notes: facts worth showing in the plan.
    findings: what is wrong with the spec in the light of the facts; an error among them refuses the plan.
    former: the stack's earlier names.
    """

    name: str
    target: str
    claim: Claim
    resources: tuple[Desired[Any], ...]
    notes: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    former: tuple[str, ...] = ()

    def resource(self, address: Address) -> Desired[Any] | None:
        """The resource of that address, or None."""
        return next((r for r in self.resources if r.address == address), None)

    def of_kind(self, kind: str) -> tuple[Desired[Any], ...]:
        """The resources of a kind, in order."""
        return tuple(r for r in self.resources if r.address.kind == kind)

    def dependents(self, address: Address) -> tuple[Desired[Any], ...]:
        """The resources that depend directly on the one of that address, in order."""
        return tuple(r for r in self.resources if address in r.depends_on)
