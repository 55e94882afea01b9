"""Old deployments that are kept next to the current one, and billed like it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phift.address import Address
from phift.clock import duration, stamp
from phift.kinds.deployment.keeping import Kept
from phift.kinds.deployment.rate import rate
from phift.kinds.unwatched import Unwatched
from phift.plan.model import Decided
from phift.state.desired import Stack
from phift.state.ownership import PROTECT

if TYPE_CHECKING:
    from phift.kinds.context import Context

__all__ = ["unwatched"]


def unwatched(context: Context, stack: Stack) -> Iterator[Unwatched]:
    """Yield the old deployments without traffic. Due: those whose time limit is over, according to their mark.

    A deployment with the mark is an old one, even if the spec describes it again and this is not applied yet.
    """
    from phift.kinds.deployment.wire import DeploymentWire

    for desired in stack.of_kind("deployment"):
        seen = DeploymentWire().read(context, desired)
        current = [seen.live] if seen.live is not None and seen.live.ours and Kept.of(seen.live.marks) else []
        for other in (*current, *seen.others):
            if other.name.lower() in seen.busy:
                continue
            kept, now = Kept.of(other.marks), context.azure.now()
            over = (now - kept.until).total_seconds() if kept else -1.0
            held = other.marks.get(PROTECT) == "true"
            yield Unwatched(
                Address(desired.address.kind, other.name),
                other,
                "kept deployment",
                _reason(kept, over) + ("; protected: not deleted" if held else ""),
                due=over >= 0 and not held,
                seconds=max(over, 0.0),
                decided=Decided(endpoint=desired.parts.endpoint),
                bills=rate(other),
            )


def _reason(kept: Kept | None, over: float) -> str:
    if kept is None:
        return "kept without a time limit"
    return f"kept until {stamp(kept.until)}" + (f", {duration(over)} ago" if over >= 0 else "")
