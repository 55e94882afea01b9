"""The clusters and deployments of a workspace that use vCPUs now. Read only to explain that a quota is used up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.azure.session import Azure
from phift.state.facts import Consumer

__all__ = ["consumers"]

_API = "2024-10-01"


def consumers(azure: Azure) -> Iterator[Consumer]:
    """Yield the clusters with nodes, then the deployments of all endpoints. Raises AzureError."""
    base = azure.workspace.arm_id
    for raw in azure.arm.list(f"{base}/computes", _API):
        inner: Mapping[str, Any] = raw["properties"].get("properties") or {}
        nodes = int(inner.get("currentNodeCount") or 0)
        if nodes:
            low = str(inner.get("vmPriority") or "").lower() == "lowpriority"
            yield Consumer(f"cluster {raw['name']}", str(inner.get("vmSize") or ""), nodes, low)
    for endpoint in azure.arm.list(f"{base}/onlineEndpoints", _API):
        for raw in azure.arm.list(f"{base}/onlineEndpoints/{endpoint['name']}/deployments", _API):
            size = str(raw["properties"].get("instanceType") or "")
            count = int((raw.get("sku") or {}).get("capacity") or 0)
            yield Consumer(f"deployment {endpoint['name']}/{raw['name']}", size, count)
