"""Facts that compilation needs, read from the workspace and its registries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from phift.azure.rest import Rest
from phift.azure.session import Azure
from phift.errors import NotFoundError

__all__ = ["AzureFacts"]

_ARM = "2024-10-01"
_DATA_PLANE = "2021-10-01-dataplanepreview"
"""The api-version of registries on the data plane, as used by azure-ai-ml 1.35."""


class AzureFacts:
    """Implements phift.compile.facts.FactSource; every method raises AzureError."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def asset(self, kind: str, registry: str, name: str, version: str) -> dict[str, Any] | None:
        """Return a version's document, or None if it does not exist."""
        rest, base, api = self._place(registry)
        try:
            document: dict[str, Any] = rest.get(f"{base}{kind}/{name}/versions/{version}", api)
        except NotFoundError:
            return None
        return document

    def newest(self, kind: str, registry: str, name: str) -> str | None:
        """Return the most recently created version that is not archived: the meaning of the label `latest`."""
        rest, base, api = self._place(registry)
        query = {"$orderBy": "createdtime desc", "$top": "1"}
        try:
            items = list(_first(rest.list(f"{base}{kind}/{name}/versions", api, **query)))
        except NotFoundError:
            return None
        return str(items[0]["name"]) if items else None

    def sizes(self) -> list[Mapping[str, Any]]:
        """Return the VM sizes of the workspace's region."""
        return self._of_region("vmSizes")

    def usages(self) -> list[Mapping[str, Any]]:
        """Return the usage and limits of the region's quota."""
        return self._of_region("usages")

    def compute_size(self, name: str) -> str | None:
        """Return the VM size of a compute of the workspace; "" if it has none, None if it does not exist."""
        try:
            raw = self._azure.arm.get(f"{self._azure.workspace.arm_id}/computes/{name}", _ARM)
        except NotFoundError:
            return None
        return str((raw["properties"].get("properties") or {}).get("vmSize") or "")

    def _of_region(self, collection: str) -> list[Mapping[str, Any]]:
        azure = self._azure
        path = (
            f"/subscriptions/{azure.workspace.subscription_id}/providers/Microsoft.MachineLearningServices"
            f"/locations/{azure.location}/{collection}"
        )
        return list(azure.arm.list(path, _ARM))

    def _place(self, registry: str) -> tuple[Rest, str, str]:
        if registry:
            return self._azure.registry(registry), "", _DATA_PLANE
        return self._azure.arm, f"{self._azure.workspace.arm_id}/", _ARM


def _first(items: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return at most one item: `$top` is a page size, and the next page would cost a request."""
    for item in items:
        yield item
        return
