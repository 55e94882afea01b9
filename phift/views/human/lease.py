"""`phift force-unlock`: the holder of the lease, and the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phift.ledger.holder import Holder

__all__ = ["broken", "question"]


def question(holder: Holder) -> str:
    """Return the last holder of the lease."""
    if not (holder.user or holder.host or holder.pid):
        return "No holder is recorded for the lease of this stack."
    dead = "\nIts process no longer exists on this machine." if holder.is_gone else ""
    return f"The lease was last {holder.describe()}{dead}"


def broken(was_held: bool) -> str:
    """Return the result."""
    return "Lease released." if was_held else "The lease is not held; nothing to release."
