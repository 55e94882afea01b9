"""The context of calls of a kind to the workspace: the session, the claim of the stack, shared lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.address import Address
from phift.azure.session import Azure
from phift.errors import NotFoundError
from phift.kinds.progress import Progress
from phift.once import Once
from phift.state.ownership import Claim

__all__ = ["Context", "Snapshot"]


class Snapshot:
    """Lists that are read once and shared by all resources of a plan, and all stacks of a workspace.

    For plans only: an apply reads again before each write.
    """

    def __init__(self) -> None:
        self._lists = Once()

    def items(self, azure: Azure, path: str, api_version: str, **query: str) -> list[dict[str, Any]]:
        """Return the list at an ARM path; empty if its parent does not exist. query: a filter of the service.

        Raises AzureError.
        """
        return self._listed(azure, path, api_version, **query).items

    def named(self, azure: Azure, path: str, name: str, api_version: str) -> dict[str, Any] | None:
        """Return the item of a name (case-insensitive), or None."""
        return self._listed(azure, path, api_version).by_name.get(name.lower())

    def marked(
        self,
        azure: Azure,
        path: str,
        mark: str,
        value: str,
        api_version: str,
        normal: Callable[[str], str] = str,
    ) -> list[dict[str, Any]]:
        """Return the items with a tag of a value. The caller verifies the owner digest.

        normal: normalizes values before the comparison, one function for each mark.
        """
        return self._listed(azure, path, api_version).by_tag(mark, normal).get(normal(value), [])

    def _listed(self, azure: Azure, path: str, api_version: str, **query: str) -> _Listed:
        def read() -> _Listed:
            try:
                return _Listed(list(azure.arm.list(path, api_version, **query)))
            except NotFoundError:
                return _Listed([])

        key = path.lower()
        return self._lists.get((key, *sorted(query.items())) if query else key, read)


class _Listed:
    """A list with an index of its items."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self.items = items
        self.by_name = {str(i.get("name", "")).lower(): i for i in reversed(items)}
        self._by_tag: dict[str, dict[str, list[dict[str, Any]]]] = {}

    def by_tag(self, name: str, normal: Callable[[str], str]) -> dict[str, list[dict[str, Any]]]:
        """Return the items with a tag, by its value."""
        if name not in self._by_tag:
            found: dict[str, list[dict[str, Any]]] = {}
            for item in self.items:
                if value := (item.get("tags") or {}).get(name):
                    found.setdefault(normal(str(value)), []).append(item)
            self._by_tag[name] = found
        return self._by_tag[name]


@dataclass(frozen=True)
class Context:
    """The context of every call of a kind.

    outputs: outputs of earlier steps of this apply by address (version of a model, name of a job).
    report: reports the progress of a long write, such as an upload. snapshot: lists shared by the reads of a plan.
    """

    azure: Azure
    stack: str
    claim: Claim
    outputs: Mapping[Address, Mapping[str, Any]] = field(default_factory=dict)
    report: Callable[[Progress], None] = lambda progress: None
    snapshot: Snapshot | None = None

    def find(self, path: str, name: str, api_version: str) -> dict[str, Any] | None:
        """Return the document of a name in the collection at an ARM path, from the snapshot or by a read; None if
        missing."""
        if self.snapshot is None:
            try:
                return self.azure.arm.get(f"{path}/{name}", api_version)
            except NotFoundError:
                return None
        return self.snapshot.named(self.azure, path, name, api_version)

    def marked(
        self, path: str, mark: str, value: str, api_version: str, normal: Callable[[str], str] = str
    ) -> list[dict[str, Any]]:
        """Return the documents of a collection with a tag of a value, see Snapshot.marked."""
        return (self.snapshot or Snapshot()).marked(self.azure, path, mark, value, api_version, normal)

    def list(self, path: str, api_version: str, **query: str) -> list[dict[str, Any]]:
        """Return the collection at an ARM path, or its items that a filter of the service matches; empty if its parent
        does not exist."""
        return (self.snapshot or Snapshot()).items(self.azure, path, api_version, **query)
