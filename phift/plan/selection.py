"""Narrowing a plan: only what was selected, with what it depends on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from phift.address import Address
from phift.errors import UsageError
from phift.plan.action import Action
from phift.plan.model import PlannedResource

__all__ = ["selected"]


def selected(resources: Sequence[PlannedResource], wanted: Collection[Address]) -> tuple[PlannedResource, ...]:
    """The same resources, those outside the selection left as they are. Everything when nothing is wanted.

    Raises UsageError for an address that the plan does not have.
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
    there = {r.address for r in resources}
    for address in wanted:
        if address not in there:
            raise UsageError(
                f"the plan has no {address}", remedy=f"It has: {', '.join(str(a) for a in sorted(there))}."
            )
    return set(wanted)


def _with_needs(resources: Sequence[PlannedResource], wanted: set[Address]) -> set[Address]:
    """The wanted ones and, transitively, what they depend on."""
    needs = {r.address: r.depends_on for r in resources}
    chosen: set[Address] = set()
    waiting = list(wanted)
    while waiting:
        address = waiting.pop()
        if address not in chosen:
            chosen.add(address)
            waiting += needs.get(address, ())
    return chosen
