"""Restrict a plan to selected resources and their dependencies."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from phift.address import Address
from phift.errors import UsageError
from phift.plan.action import Action
from phift.plan.model import PlannedResource

__all__ = ["selected"]


def selected(resources: Sequence[PlannedResource], wanted: Collection[Address]) -> tuple[PlannedResource, ...]:
    """Return the resources, without actions on those outside the selection. An empty selection selects all.

    Raises UsageError for an address that is not in the plan.
    """
    if not wanted:
        return tuple(resources)
    chosen = _with_needs(resources, _known(resources, wanted))
    return tuple(
        r
        if r.address in chosen or not r.action.changes_something
        else replace(r, action=Action.NO_OP, changes=(), reason=f"not selected ({r.action.value})")
        for r in resources
    )


def _known(resources: Iterable[PlannedResource], wanted: Collection[Address]) -> set[Address]:
    known = {r.address for r in resources}
    for address in wanted:
        if address not in known:
            raise UsageError(
                f"{address} is not in the plan", remedy=f"The plan contains: {', '.join(map(str, sorted(known)))}."
            )
    return set(wanted)


def _with_needs(resources: Sequence[PlannedResource], wanted: set[Address]) -> set[Address]:
    """Return the selected addresses and their transitive dependencies."""
    needs = {r.address: r.depends_on for r in resources}
    chosen: set[Address] = set()
    waiting = list(wanted)
    while waiting:
        address = waiting.pop()
        if address not in chosen:
            chosen.add(address)
            waiting += needs.get(address, ())
    return chosen
