"""Which workspaces and resource groups a home has, and how those that were created are opened and removed.

The home's own workspace has no record until it is updated. All others have one in the home's store, and all they keep
in a folder of their own: workspaces/{id}, or registries/{id}.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from phift.emulator.core.context import Cloud, Context
from phift.emulator.core.documents import timestamp
from phift.emulator.core.workspace import Workspace
from phift.emulator.services.emulator import Emulator

__all__ = ["Record", "close_scope", "find_group", "groups", "open_scope", "open_stored", "put_group", "records"]

_GROUP = "resourceGroup"


@dataclass
class Record:
    """What is kept of a workspace or registry. settings: what its creation and updates said of it.
    state: its provisioning state. modified: when it was changed last."""

    workspace: Workspace
    settings: dict[str, Any] = field(default_factory=dict)
    state: str = "Succeeded"
    modified: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.workspace.resource_group, self.workspace.name)

    @property
    def ended(self) -> bool:
        """Whether no operation works on it."""
        return self.state in ("Succeeded", "Failed")

    def save(self, cloud: Cloud) -> None:
        self.modified = timestamp()
        cloud.store.put(self.workspace.kind, *self.key, body=asdict(self))

    def remove(self, cloud: Cloud) -> None:
        cloud.store.delete(self.workspace.kind, *self.key)


def records(cloud: Cloud, kind: str = "workspaces") -> Iterator[Record]:
    """The records of all workspaces, the home's own first, or of all registries."""
    home = cloud.first.workspace
    stored = [Record(**{**body, "workspace": Workspace(**body["workspace"])}) for body in cloud.store.list(kind)]
    own = next((each for each in stored if each.workspace.workspace_id == home.workspace_id), None)
    if kind == "workspaces":
        yield own or Record(home, modified=home.created_at)
    yield from (each for each in stored if each is not own)


def open_stored(emulator: Emulator) -> None:
    """Open the workspaces and registries that were created in the home and are there."""
    for kind in ("workspaces", "registries"):
        for record in records(emulator.cloud, kind):
            folder, opened = _folder(emulator, record.workspace), _context(emulator.cloud, record.workspace)
            if opened is None and folder.is_dir() and record.state != "Deleting":
                emulator.build(record.workspace, folder)


async def open_scope(emulator: Emulator, workspace: Workspace) -> None:
    """Open a workspace or registry, whose folder is made, unless it is open."""
    if _context(emulator.cloud, workspace) is None:
        await emulator.build(workspace, _folder(emulator, workspace)).start()


async def close_scope(emulator: Emulator, workspace: Workspace) -> None:
    """End all that a workspace or registry does and remove all that it keeps."""
    if context := _context(emulator.cloud, workspace):
        emulator.cloud.contexts.remove(context)
        await context.stop()
    await asyncio.to_thread(shutil.rmtree, _folder(emulator, workspace), ignore_errors=True)


def _context(cloud: Cloud, workspace: Workspace) -> Context | None:
    return next((each for each in cloud.contexts if each.workspace.workspace_id == workspace.workspace_id), None)


def _folder(emulator: Emulator, workspace: Workspace) -> Path:
    return emulator.cloud.home / workspace.kind / workspace.workspace_id


def groups(cloud: Cloud) -> list[dict[str, Any]]:
    """Name, location and tags of all resource groups, the home's own first."""
    home = cloud.first.workspace
    own = {"name": home.resource_group, "location": home.location, "tags": {}}
    stored = cloud.store.list(_GROUP)
    return [*([] if cloud.store.get(_GROUP, home.resource_group) else [own]), *stored]


def find_group(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """A resource group; names are case-insensitive."""
    return next((each for each in groups(cloud) if each["name"].casefold() == name.casefold()), None)


def put_group(cloud: Cloud, name: str, location: str, tags: dict[str, str]) -> None:
    cloud.store.put(_GROUP, name, body={"name": name, "location": location, "tags": tags})
