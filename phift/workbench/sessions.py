"""Values shared by the stacks of a run: sessions and lists by workspace, facts, lock files, and claims."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from phift.azure.facts import RemoteFacts
from phift.azure.session import Azure
from phift.data.sources import SourceIdentity, identify
from phift.errors import PhiftError
from phift.files import real, repository_of
from phift.git import checkout_of
from phift.kinds.context import Snapshot
from phift.lock import Lock, lock_path, read_lock
from phift.once import Once
from phift.spec import LoadedSpec
from phift.state.ownership import Claim
from phift.state.source import Source
from phift.workbench.places import place_of
from phift.workbench.request import Connector

if TYPE_CHECKING:
    from phift.data.hub.pins import HubRequest, HubSplit

__all__ = ["Session", "Shared", "place_of"]

T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """A session with a workspace. snapshot: shared lists, for plans only. remote: cached facts."""

    azure: Azure
    remote: RemoteFacts
    snapshot: Snapshot = field(default_factory=Snapshot)


class Shared:
    """Shared by the workbenches of a run; thread-safe. The values are not invalidated: after writes, use `fresh`."""

    def __init__(
        self,
        *,
        inline: bool = False,
        data_root: Path | None = None,
        fetch: bool = False,
        looking: bool = False,
        planning: bool = False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.inline = inline
        """Whether the reads of a stack are sequential, because stacks are already processed concurrently."""
        self.data_root = data_root
        self.fetch = fetch
        """Whether data at an unpinned address may be downloaded."""
        self.looking = looking
        """Whether the command does not create anything: data need not be available, and the hub is not contacted."""
        self.planning = planning
        """Whether the command plans writes, for which the roles of the caller are read."""
        self._tell = tell
        self._sessions = Once()
        self._files = Once()
        self._hub = threading.Lock()

    def session(self, loaded: LoadedSpec, connect: Connector) -> Session:
        """Return the session for a spec. Raises AzureError or EmulatorError."""

        def begin() -> Session:
            azure = connect(loaded)
            return Session(azure, RemoteFacts(azure))

        return self._sessions.get(place_of(loaded), begin)

    def once(self, key: tuple[Hashable, ...], find: Callable[[], T]) -> T:
        """Return a value computed once for all stacks of the run. Raises the errors of find."""
        return self._files.get(("once", *key), find)

    def lock(self, path: Path) -> Lock:
        """Return the content of a lock file. Raises InvalidSpecError."""
        return self._files.get(("lock", str(path)), lambda: read_lock(path))

    def identity(self, pattern: str, folder: Path) -> SourceIdentity:
        """Return the identity of local data. Raises InvalidSpecError."""
        root = self.data_root
        return self._files.get(("data", pattern, str(folder)), lambda: identify({"path": pattern}, folder, root))

    def hub_split(self, request: HubRequest, *, count: bool, at_least: int = 0) -> HubSplit:
        """Resolve a data set of the hub, once for all stacks. count, at_least: see `phift.data.hub.resolve`.

        Raises InvalidSpecError and HubError; PhiftError for a command that does not create anything.
        """
        if self.looking:
            raise PhiftError(f"phift.lock does not pin {request}", remedy="Run `phift lock`.")

        def find() -> HubSplit:
            # Importing the libraries takes seconds, and the hub may be slow.
            self.once(("reported", request.text), lambda: self._tell(f"Resolving {request.text} on the hub"))
            from phift.data.hub import HubClient, resolve

            # Sequential, so that connections are neither left open nor closed while another stack uses them.
            with self._hub, self._files.get(("hub",), HubClient) as client:
                return resolve(request, client, count=count, at_least=at_least)

        return self._files.get(("hub", request, count, at_least), find)

    def outside(self, pattern: str, folder: Path) -> tuple[Path, ...]:
        """Return the files of the data that are outside the repository of the folder, after resolving links."""

        def find() -> tuple[Path, ...]:
            home = self._files.get(("home", str(folder)), lambda: repository_of(folder))
            files = (real(file.path) for file in self.identity(pattern, folder).files)
            return tuple(path for path in files if not path.is_relative_to(home))

        return self._files.get(("outside", pattern, str(folder)), find)

    def claim(self, loaded: LoadedSpec) -> Claim:
        """Return the claim of the stacks of a spec. Raises InvalidSpecError if the lock file is invalid."""
        return Claim(self.lock(lock_path(loaded.path)).id, self.source(loaded.path))

    def source(self, path: Path) -> Source:
        """Return the source of a spec: its repository and path, equal on every clone."""
        folder, name = os.path.split(os.path.realpath(path))
        repository, inside = self._files.get(("git", folder), lambda: _place_in_repository(Path(folder)))
        return Source(repository, f"{inside}{name}")

    def fresh(self) -> Shared:
        """Return a copy with the same sessions and facts, but without cached lists."""
        other = Shared(
            inline=self.inline,
            data_root=self.data_root,
            fetch=self.fetch,
            looking=self.looking,
            planning=self.planning,
            tell=self._tell,
        )
        for place, session in self._sessions.known():
            other._sessions.put(place, Session(session.azure, session.remote))
        return other


def _place_in_repository(folder: Path) -> tuple[str, str]:
    """Return the repository of a folder (empty if unknown), and the path of the folder in it."""
    found = checkout_of(folder)
    if found is None:
        return "", ""
    inside = folder.relative_to(found.top).as_posix()
    # Git resolves a relative remote from the root of the work tree.
    remote = str(found.top / found.remote) if found.remote.startswith(".") else found.remote
    return Source.of(remote, "").repository, "" if inside == "." else f"{inside}/"
