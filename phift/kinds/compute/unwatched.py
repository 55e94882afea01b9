"""Clusters that do not scale down to zero: their minimum of nodes is billed while no job runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phift.kinds.compute.rate import rate
from phift.kinds.unwatched import Unwatched
from phift.kinds.words import plural
from phift.state.desired import Stack

if TYPE_CHECKING:
    from phift.kinds.context import Context

__all__ = ["unwatched"]


def unwatched(context: Context, stack: Stack) -> Iterator[Unwatched]:
    """Yield the clusters of the stack with min_instances above 0; never due."""
    from phift.kinds.compute.wire import ComputeWire

    for desired in stack.of_kind("compute"):
        live = ComputeWire().read(context, desired).live if desired.owned else None
        least = live.properties.get("min_instances") if live else None
        if live is None or not live.ours or not isinstance(least, int) or least < 1:
            continue
        yield Unwatched(
            desired.address,
            live,
            "cluster that does not scale down",
            f"min_instances: {least}; {plural(least, 'node')} billed while no job runs",
            bills=rate(live),
        )
