"""What a plan shows of a training that will run: whether it fits the memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from phift.kinds.registry import KINDS
from phift.plan.action import Action
from phift.plan.model import PlannedResource
from phift.state.desired import Stack

if TYPE_CHECKING:
    from phift.estimate.training import Training

__all__ = ["trainings", "with_memory"]


def trainings(stack: Stack, planned: tuple[PlannedResource, ...]) -> Iterator[tuple[PlannedResource, Training]]:
    """Yield each training that will run, with its resource. Omits those of which nothing is known.

    Measures local rows for about a second, once per data version.
    """
    for resource in planned:
        desired = stack.resource(resource.address)
        if resource.action is not Action.RUN or desired is None:
            continue
        if (training := KINDS[resource.address.kind].training(desired)) is not None:
            yield resource, training


def with_memory(stack: Stack, planned: tuple[PlannedResource, ...]) -> tuple[PlannedResource, ...]:
    """Return the planned resources; those of trainings have a line about memory, and the values as details."""
    found = dict(_estimates(stack, planned))
    return tuple(found.get(id(resource), resource) for resource in planned)


def _estimates(stack: Stack, planned: tuple[PlannedResource, ...]) -> Iterator[tuple[int, PlannedResource]]:
    for resource, training in trainings(stack, planned):
        from phift.estimate.verdict import memory_of
        from phift.estimate.words import line, offload_hint

        memory = memory_of(training)
        notes = (*resource.notes, line(training, memory), *filter(None, [offload_hint(training)]))
        details = {**resource.details, "memory": memory.plain()} if memory else resource.details
        yield id(resource), replace(resource, notes=notes, details=details)
