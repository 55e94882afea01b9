"""`phift force-unlock`: who held the lease, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phift.ledger.holder import Holder

__all__ = ["broken", "question"]


def question(holder: Holder) -> str:
    """Who took the lease last."""
    if not (holder.user or holder.host or holder.pid):
        return "Nobody has signed the lease of this stack."
    dead = "\nIts process no longer exists on this machine." if holder.is_gone else ""
    return f"The lease was last {holder.describe()}{dead}"


def broken(was_held: bool) -> str:
    """What came of it."""
    return "The lease is broken: the next apply can take it." if was_held else "No lease was held; nothing to break."
