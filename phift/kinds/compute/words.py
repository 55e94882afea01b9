"""Texts about a compute."""

from __future__ import annotations

from phift.kinds.words import StatusText, joined, plural

__all__ = ["status"]


def status(row: StatusText) -> list[str]:
    """`2 nodes, 1 busy, steady`."""
    nodes, busy = row.facts.pop("nodes", None), row.facts.pop("busy", None)
    row.facts.pop("type", None)
    counted = f"{plural(nodes, 'node')}, {busy or 0} busy" if nodes is not None else ""
    return [joined(counted, str(row.facts.pop("allocation", "")).lower())]
