"""What compiling a spec gives: the resources wanted, as plain values in the words of `az ml` YAML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.address import Address
from phift.compile.ownership import Claim
from phift.diagnostics import Diagnostic

__all__ = ["Desired", "Stack"]


@dataclass(frozen=True)
class Desired:
    """One resource wanted in the workspace.

    name: its name there. properties: what phift manages; only these are compared with the live object.
    digest: of what went into an immutable thing, empty for the rest; inputs: what that digest covers, which a
    later plan compares to say why something must be made anew. parts: what the kind needs to make it, not compared.
    owned: False for a reference, which is read and checked and never written.
    azure: merged last into the request body. stack: whose it is; former: that stack's earlier names, whose marks are
    ours too. former_names: how an earlier stack would have called it. generated: whether nothing but this stack gives
    such a name. restored: what left the spec, properties and `azure.*` leaves: an update puts it back to the service's
    defaults. adopt: taken over where it exists unmarked.
    """

    address: Address
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[Address, ...] = ()
    owned: bool = True
    protect: bool = False
    azure: Mapping[str, Any] = field(default_factory=dict)
    stack: str = ""
    former: tuple[str, ...] = ()
    former_names: tuple[str, ...] = ()
    generated: bool = False
    restored: tuple[str, ...] = ()
    adopt: bool = False


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
    resources: tuple[Desired, ...]
    notes: tuple[str, ...] = ()
    findings: tuple[Diagnostic, ...] = ()
    former: tuple[str, ...] = ()

    def resource(self, address: Address) -> Desired | None:
        """The resource of that address, or None."""
        return next((r for r in self.resources if r.address == address), None)

    def of_kind(self, kind: str) -> tuple[Desired, ...]:
        """The resources of a kind, in order."""
        return tuple(r for r in self.resources if r.address.kind == kind)
