"""Remote facts, read once each: base models, components, VM sizes, quota. A new fact is one method of `RemoteFacts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from phift.azure.rest import Rest
from phift.azure.session import Azure
from phift.errors import AzureError, NotFoundError
from phift.once import Once
from phift.state.facts import BaseModel, Component, Consumer, Size, Usage
from phift.state.permissions import Permissions
from phift.workspace import WorkspaceId

__all__ = ["RemoteFacts"]

_ARM = "2024-10-01"
_PERMISSIONS = "2022-04-01"
_DATA_PLANE = "2021-10-01-dataplanepreview"
"""The api-version of registries on the data plane, as used by azure-ai-ml 1.35."""


class RemoteFacts:
    """The facts of one workspace, for any number of threads: each is read on first use, and kept.

    Every method raises AzureError.
    """

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._once = Once()

    @property
    def workspace(self) -> WorkspaceId:
        """The workspace."""
        return self._azure.workspace

    def base_model(self, registry: str, name: str, version: str) -> BaseModel | None:
        """Return a version of a model, None if it does not exist. registry: "" is the workspace."""

        def read() -> BaseModel | None:
            document = self._asset("models", registry, name, version)
            return BaseModel.from_document(document, registry=registry, name=name) if document else None

        return self._once.get(("model", registry, name, version), read)

    def component(self, registry: str, name: str, version: str) -> Component | None:
        """Return a version of a component, None if it does not exist. registry: "" is the workspace."""

        def read() -> Component | None:
            document = self._asset("components", registry, name, version)
            return Component.from_document(document, registry=registry, name=name) if document else None

        return self._once.get(("component", registry, name, version), read)

    def environment(self, registry: str, name: str, version: str) -> bool:
        """Return whether a version of an environment exists. registry: "" is the workspace, with curated ones."""
        return self._once.get(
            ("environment", registry, name, version),
            lambda: self._asset("environments", registry, name, version) is not None,
        )

    def code(self, name: str, version: str) -> bool:
        """Return whether a version of code exists in the workspace."""
        return self._once.get(("code", name, version), lambda: self._asset("codes", "", name, version) is not None)

    def job(self, name: str) -> bool:
        """Return whether a job, or a run below one, exists in the workspace."""
        return self._once.get(("job", name), lambda: self._child(f"jobs/{name}") is not None)

    def stored(self, store: str, path: str) -> bool | None:
        """Return whether a datastore has a file, or a folder with a file, at a path; None if it may not be read.

        Raises InvalidSpecError for a datastore that does not exist, or of another type than blobs.
        """

        def read() -> bool | None:
            from phift.azure.stores import WorkspaceStores  # only needed for files that are registered from Azure

            container = WorkspaceStores(self._azure).open(store)
            try:
                return container.find(path) is not None or any(True for _ in container.list(f"{path.rstrip('/')}/"))
            except AzureError as error:
                if error.status in (401, 403):
                    return None
                raise

        return self._once.get(("stored", store, path), read)

    def newest(self, kind: str, registry: str, name: str) -> str | None:
        """Return the most recently created version that is not archived: the meaning of the label `latest`.

        kind: "models", "components" or "environments".
        """

        def read() -> str | None:
            rest, base, api = self._place(registry)
            query = {"$orderBy": "createdtime desc", "$top": "1"}
            try:
                items = list(_first(rest.list(f"{base}{kind}/{name}/versions", api, **query)))
            except NotFoundError:
                return None
            return str(items[0]["name"]) if items else None

        return self._once.get(("newest", kind, registry, name), read)

    def sizes(self) -> Mapping[str, Size]:
        """Return the VM sizes of the workspace's region, by name in lower case."""

        def read() -> dict[str, Size]:
            return {size.name.lower(): size for size in map(Size.from_document, self._of_region("vmSizes"))}

        return self._once.get("sizes", read)

    def usages(self) -> tuple[Usage, ...]:
        """Return the usage and limits of the region's vCPUs, by pool."""

        def read() -> tuple[Usage, ...]:
            return tuple(usage for d in self._of_region("usages") if (usage := Usage.from_document(d)))

        return self._once.get("usages", read)

    def permissions(self) -> Permissions:
        """Return the roles of this identity at the resource group of the workspace, inherited ones included."""
        return self._permissions(self._azure.workspace.arm_id.partition("/providers/")[0])

    def permissions_of_workspace(self) -> Permissions:
        """Return the roles of this identity at the workspace, inherited ones included."""
        return self._permissions(self._azure.workspace.arm_id)

    def _permissions(self, scope: str) -> Permissions:
        path = f"{scope}/providers/Microsoft.Authorization/permissions"
        return self._once.get(
            ("permissions", scope), lambda: Permissions.from_documents(self._azure.arm.list(path, _PERMISSIONS))
        )

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the clusters and deployments of the workspace that use vCPUs now."""
        from phift.azure.consumers import consumers  # only needed if a quota is used up

        return self._once.get("consumers", lambda: tuple(consumers(self._azure)))

    def compute_size(self, name: str) -> str | None:
        """Return the VM size of a compute of the workspace; "" if it has none, None if it does not exist."""

        def read() -> str | None:
            raw = self._child(f"computes/{name}")
            return None if raw is None else str((raw["properties"].get("properties") or {}).get("vmSize") or "")

        return self._once.get(("compute", name.lower()), read)

    def today(self) -> date:
        """Return the date of the service, in UTC; before its first answer that of this machine."""
        return self._azure.now().date()

    def _child(self, path: str) -> dict[str, Any] | None:
        try:
            document: dict[str, Any] = self._azure.arm.get(f"{self._azure.workspace.arm_id}/{path}", _ARM)
        except NotFoundError:
            return None
        return document

    def _asset(self, kind: str, registry: str, name: str, version: str) -> dict[str, Any] | None:
        rest, base, api = self._place(registry)
        try:
            document: dict[str, Any] = rest.get(f"{base}{kind}/{name}/versions/{version}", api)
        except NotFoundError:
            return None
        return document

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
