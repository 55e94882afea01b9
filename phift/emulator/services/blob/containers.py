"""The containers of a blob store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.blob.files import ContentFiles
from phift.emulator.services.blob.index import Index
from phift.emulator.services.blob.model import Container, Ticks
from phift.emulator.services.blob.names import check_container_name

__all__ = ["Containers"]


class Containers:
    """All methods raise ServiceError with the service's status and code."""

    def __init__(self, index: Index, files: ContentFiles, ticks: Ticks) -> None:
        self._index = index
        self._files = files
        self._ticks = ticks

    def create(self, name: str, metadata: Mapping[str, str] | None = None) -> Container:
        check_container_name(name)
        if self._index.container(name):
            raise ServiceError(409, "ContainerAlreadyExists", "The specified container already exists.")
        tick = self._ticks.next()
        return self._write(Container(tick, tick, name, dict(metadata or {})))

    def ensure(self, name: str) -> Container:
        """The container, made when it does not exist."""
        return self._index.container(name) or self.create(name)

    def find(self, name: str) -> Container | None:
        return self._index.container(name)

    def get(self, name: str) -> Container:
        if found := self._index.container(name):
            return found
        raise ServiceError(404, "ContainerNotFound", "The specified container does not exist.")

    def page(self, prefix: str, start: str, limit: int) -> tuple[list[Container], str]:
        """At most `limit` containers from the name `start` on, and the name the next page starts with, or ""."""
        found = self._index.containers(prefix, start, limit + 1)
        return found[:limit], found[limit].name if len(found) > limit else ""

    def set_metadata(self, name: str, metadata: Mapping[str, str]) -> Container:
        return self._write(replace(self.get(name), modified=self._ticks.next(), metadata=dict(metadata)))

    def delete(self, name: str) -> None:
        """Remove the container with all that is in it. The service takes half a minute; here it is at once."""
        self.get(name)
        with self._index.transaction():
            files = self._index.delete_container(name)
        self._files.discard(files)

    def _write(self, container: Container) -> Container:
        with self._index.transaction():
            self._index.put_container(container)
        return container
