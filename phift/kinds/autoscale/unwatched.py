"""Autoscale settings whose deployment no longer exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phift.address import Address
from phift.kinds.autoscale.strays import EXISTS, strays
from phift.kinds.unwatched import Unwatched
from phift.state.desired import Stack

if TYPE_CHECKING:
    from phift.kinds.context import Context

__all__ = ["unwatched"]


def unwatched(context: Context, stack: Stack) -> Iterator[Unwatched]:
    """Yield the orphaned settings of the stack; all are due. They cost nothing, and would scale a new deployment of
    the same name."""
    for setting in strays(context, stack, {}, True):
        if not setting.facts[EXISTS]:
            yield Unwatched(
                Address("autoscale", setting.name),
                setting,
                "orphaned setting",
                f"deployment {setting.properties['deployment']} no longer exists",
                due=True,
                usd_per_hour=0.0,
            )
