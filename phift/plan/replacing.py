"""Replacement on request (`--replace`), as part of planning, so that traffic and tests follow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from phift.address import Address
from phift.diagnostics import Diagnostic
from phift.errors import UsageError
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.state.desired import Stack
from phift.state.live import Observation
from phift.state.ownership import PROTECT

__all__ = ["protected", "protected_from", "replaced", "require_replaceable"]


def require_replaceable(stack: Stack, wanted: Collection[Address]) -> None:
    """Raise UsageError for an address that is not in the stack, or whose kind cannot be replaced."""
    for address in wanted:
        desired = stack.resource(address)
        if desired is None:
            known = ", ".join(sorted(str(r.address) for r in stack.resources))
            raise UsageError(f"{address} is not in the plan", remedy=f"The plan contains: {known}.")
        if not desired.traits.replaceable:
            raise UsageError(f"{address} cannot be replaced", remedy=desired.traits.instead)


def replaced(resource: PlannedResource, seen: Observation | None, wanted: Collection[Address]) -> PlannedResource:
    """Return the resource, planned for replacement if that was requested and it exists.

    Raises UsageError if the stack does not own it.
    """
    live = seen.live if seen else None
    if live is None or resource.address not in wanted or resource.action not in {Action.NO_OP, Action.UPDATE}:
        return resource
    if not live.owner.ours:
        raise UsageError(f"{resource.address} cannot be replaced: this stack does not own {live.name}")
    return replace(resource, action=Action.REPLACE, reason="requested by --replace")


def protected_from(resource: PlannedResource, seen: Observation | None) -> tuple[Diagnostic, ...]:
    """Return an error if the plan replaces an object that an earlier apply protected."""
    live = seen.live if seen else None
    if resource.action is not Action.REPLACE or live is None or live.marks.get(PROTECT) != "true":
        return ()
    return (protected(resource.address, live.name),)


def protected(address: Address, name: str) -> Diagnostic:
    """Return the error about a protected object that would be deleted."""
    return Diagnostic(
        f"{address} ({name}) is protected",
        detail="It has the tag phift.protect from an earlier apply.",
        remedy="Set `protect: false`, run `phift apply`, then re-run this command.",
        address=str(address),
        code="protected",
    )
