"""The instances that the service counts against the quota."""

from __future__ import annotations

import math

from phift.catalog.vm_sizes import vm_size

__all__ = ["reserved"]

_RESERVE = 1.2
"""Of a managed online deployment, in whole instances, except of sizes that the catalogue marks (Azure docs)."""


def reserved(instances: int, size: str) -> int:
    """Return the number of instances of a VM size that the service counts against the quota.

    A size that the catalogue does not list counts with the reserve.
    """
    known = vm_size(size)
    factor = _RESERVE if known is None or known.serving_reserve else 1.0
    return math.ceil(round(factor * instances, 6))
