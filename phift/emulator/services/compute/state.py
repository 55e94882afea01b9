"""The nodes of clusters, and what they hold of the quota."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phift.emulator.core.quota import Use
from phift.emulator.services.emulator import Emulator

__all__ = ["node_count", "nodes_in_use", "quota_in_use"]


def nodes_in_use(emulator: Emulator) -> list[tuple[str, Use]]:
    """What the nodes of each cluster that has any hold of the region's quota now, with the cluster's name."""
    uses = []
    for document in emulator.store.list("compute"):
        if document["location"].casefold() != emulator.workspace.location.casefold():
            continue
        inner = document["properties"]["properties"]
        if count := node_count(emulator, document):
            use = Use(inner["vmSize"], count, low_priority=inner["vmPriority"] == "LowPriority")
            uses.append((document["name"], use))
    return uses


def quota_in_use(emulator: Emulator) -> Iterator[Use]:
    """What the nodes of all clusters hold of the quota now."""
    return (use for _, use in nodes_in_use(emulator))


def node_count(emulator: Emulator, document: dict[str, Any]) -> int:
    """The least it keeps, or as many as run jobs; none before it has succeeded."""
    if document["properties"]["provisioningState"] != "Succeeded":
        return 0
    least = int(document["properties"]["properties"]["scaleSettings"]["minNodeCount"])
    return max(least, emulator.jobs.nodes_in_use(document["name"]))
