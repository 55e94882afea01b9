"""Objects of a stack that its spec no longer has and that no list of the workspace shows: read, and planned away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phift.address import Address
from phift.kinds.registry import KINDS
from phift.plan.model import PlannedResource
from phift.state.live import Observation
from phift.workbench.open import Workbench

__all__ = ["with_strays"]


def with_strays(
    bench: Workbench,
    resources: Sequence[PlannedResource],
    observed: Mapping[Address, Observation],
    *,
    thorough: bool,
    destroying: bool = False,
) -> tuple[PlannedResource, ...]:
    """Return the planned resources with the deletions of strays.

    thorough: search without an indication that there are any, which costs a request. Raises AzureError.
    """
    planned = tuple(resources)
    for kind in KINDS.values():
        if found := kind.strays(bench.context, bench.stack, observed, thorough):
            planned = kind.without_strays(found, planned, observed, destroying)
    return planned
