"""Cached facts about what stacks refer to: base models, components, VM sizes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from phift.compile.facts import BaseModel, Component, FactSource, Size, Usage
from phift.once import Once

__all__ = ["Readings"]

T = TypeVar("T")


class Readings:
    """The cached facts of a workspace; thread-safe. All methods raise phift.errors.AzureError."""

    def __init__(self, source: FactSource) -> None:
        self._source = source
        self._found = Once()

    def newest(self, kind: str, registry: str, name: str) -> str | None:
        """Return the newest version of a "models" or "components" asset, or None. registry: "" is the workspace."""
        return self._once(("newest", kind, registry, name), lambda: self._source.newest(kind, registry, name))

    def base_model(self, registry: str, name: str, version: str) -> BaseModel | None:
        """Return the facts of a version, or None if it does not exist."""

        def find() -> BaseModel | None:
            document = self._source.asset("models", registry, name, version)
            return BaseModel.from_document(document, registry=registry, name=name) if document else None

        return self._once(("model", registry, name, version), find)

    def component(self, registry: str, name: str, version: str) -> Component | None:
        """Return the facts of a version, or None if it does not exist."""

        def find() -> Component | None:
            document = self._source.asset("components", registry, name, version)
            return Component.from_document(document, registry=registry, name=name) if document else None

        return self._once(("component", registry, name, version), find)

    def sizes(self) -> Mapping[str, Size]:
        """Return the VM sizes by lower-case name."""
        return self._once(("sizes",), lambda: {s.name.lower(): s for s in map(_size, self._source.sizes())})

    def usages(self) -> tuple[Usage, ...]:
        """Return the vCPU usage of the region by pool."""
        return self._once(("usages",), lambda: tuple(u for d in self._source.usages() if (u := Usage.from_document(d))))

    def compute_size(self, name: str) -> str | None:
        """Return the VM size of a compute of the workspace, or None if it does not exist."""
        return self._once(("compute", name.lower()), lambda: self._source.compute_size(name))

    def _once(self, key: Hashable, find: Callable[[], T]) -> T:
        return self._found.get(key, find)


def _size(document: Mapping[str, Any]) -> Size:
    return Size.from_document(document)
