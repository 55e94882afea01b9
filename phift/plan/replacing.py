"""Replacing on demand what would otherwise stay: decided with the rest, so that traffic and tests follow."""

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
    """Raises UsageError for an address that the stack does not have, or whose kind cannot be replaced alone."""
    for address in wanted:
        desired = stack.resource(address)
        if desired is None:
            known = ", ".join(sorted(str(r.address) for r in stack.resources))
            raise UsageError(f"the plan has no {address}", remedy=f"It has: {known}.")
        if not desired.traits.replaceable:
            raise UsageError(f"{address} cannot be replaced", remedy=desired.traits.instead)


def replaced(resource: PlannedResource, seen: Observation | None, wanted: Collection[Address]) -> PlannedResource:
    """The same, deleted and made again where that was asked for and it is there. Raises UsageError for what is not the
    stack's own."""
    live = seen.live if seen else None
    if live is None or resource.address not in wanted or resource.action not in {Action.NO_OP, Action.UPDATE}:
        return resource
    if not live.owner.ours:
        raise UsageError(f"{resource.address} cannot be replaced: {live.name} is not of this stack")
    return replace(resource, action=Action.REPLACE, reason="asked for by --replace")


def protected_from(resource: PlannedResource, seen: Observation | None) -> tuple[Diagnostic, ...]:
    """Refuses to replace what an earlier apply protected, whoever or whatever asks for it."""
    live = seen.live if seen else None
    if resource.action is not Action.REPLACE or live is None or live.marks.get(PROTECT) != "true":
        return ()
    return (protected(resource.address, live.name),)


def protected(address: Address, name: str) -> Diagnostic:
    """The finding about something protected that would be destroyed."""
    return Diagnostic(
        f"{address} ({name}) is protected",
        detail="It carries phift.protect from an earlier apply.",
        remedy="Set `protect: false`, apply, and then do this again.",
        address=str(address),
        code="protected",
    )
