"""What many stacks read once: a session and its lists for each workspace, facts, lock files, and whose a spec is."""

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
from phift.workbench.request import Connector

if TYPE_CHECKING:
    from phift.data.hub.pins import HubRequest, HubSplit

__all__ = ["Session", "Shared", "place_of"]

T = TypeVar("T")


@dataclass(frozen=True)
class Session:
    """One workspace. snapshot: its lists, for plans only; remote: what its stacks refer to."""

    azure: Azure
    remote: RemoteFacts
    snapshot: Snapshot = field(default_factory=Snapshot)


def place_of(loaded: LoadedSpec) -> tuple[str, ...]:
    """Which workspace a spec goes to, comparable: specs of one place share a session."""
    target = loaded.target
    if target.local:
        return ("local",)
    if target.workspace is None:
        return ("environment",)  # of AZURE_* variables or config.json, the same for all specs of a run
    named = target.workspace
    return tuple(part.lower() for part in (named.subscription_id, named.resource_group, named.name))


class Shared:
    """Shared by the workbenches of one run, from any number of threads. Nothing in it outlives what it says: a run that
    writes begins anew with `fresh`."""

    def __init__(
        self,
        *,
        inline: bool = False,
        data_root: Path | None = None,
        fetch: bool = False,
        looking: bool = False,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.inline = inline
        """Whether a stack's reads go one after another, because stacks already go side by side."""
        self.data_root = data_root
        self.fetch = fetch
        """Whether data at an address that is not pinned may be downloaded."""
        self.looking = looking
        """Whether nothing is to be made: data need not be there, and the hub is not asked for it."""
        self._tell = tell
        self._sessions = Once()
        self._files = Once()
        self._hub = threading.Lock()

    def session(self, loaded: LoadedSpec, connect: Connector) -> Session:
        """Raises AzureError or EmulatorError."""

        def begin() -> Session:
            azure = connect(loaded)
            return Session(azure, RemoteFacts(azure))

        return self._sessions.get(place_of(loaded), begin)

    def once(self, key: tuple[Hashable, ...], find: Callable[[], T]) -> T:
        """What is found out once for all stacks of the run. Raises what find raises."""
        return self._files.get(("once", *key), find)

    def lock(self, path: Path) -> Lock:
        """A lock file's content. Raises InvalidSpecError."""
        return self._files.get(("lock", str(path)), lambda: read_lock(path))

    def identity(self, pattern: str, folder: Path) -> SourceIdentity:
        """What local data is. Raises InvalidSpecError."""
        root = self.data_root
        return self._files.get(("data", pattern, str(folder)), lambda: identify({"path": pattern}, folder, root))

    def hub_split(self, request: HubRequest, *, count: bool, at_least: int = 0) -> HubSplit:
        """What the hub's data set is now; asked once for all stacks. count, at_least: as of `phift.data.hub.resolve`.
        Raises InvalidSpecError and HubError; PhiftError for a command that only looks."""
        if self.looking:
            raise PhiftError(f"phift.lock does not pin {request}", remedy="Run `phift lock`.")

        def find() -> HubSplit:
            # The libraries take seconds to import, and the hub may take its time.
            self.once(("told", request.text), lambda: self._tell(f"Resolving {request.text} on the hub"))
            from phift.data.hub import HubClient, resolve

            # One after another, so that no connection is left open, and none is closed under another stack.
            with self._hub, self._files.get(("hub",), HubClient) as client:
                return resolve(request, client, count=count, at_least=at_least)

        return self._files.get(("hub", request, count, at_least), find)

    def outside(self, pattern: str, folder: Path) -> tuple[Path, ...]:
        """The files of the same data that lie outside of the repository that the folder belongs to, links followed."""

        def find() -> tuple[Path, ...]:
            home = self._files.get(("home", str(folder)), lambda: repository_of(folder))
            files = (real(file.path) for file in self.identity(pattern, folder).files)
            return tuple(path for path in files if not path.is_relative_to(home))

        return self._files.get(("outside", pattern, str(folder)), find)

    def claim(self, loaded: LoadedSpec) -> Claim:
        """By what the stacks of a spec own their objects. Raises InvalidSpecError where the lock cannot be read."""
        return Claim(self.lock(lock_path(loaded.path)).id, self.source(loaded.path))

    def source(self, path: Path) -> Source:
        """Which file, of which repository, a spec is: the same on every clone."""
        folder, name = os.path.split(os.path.realpath(path))
        repository, inside = self._files.get(("git", folder), lambda: _place_in_repository(Path(folder)))
        return Source(repository, f"{inside}{name}")

    def fresh(self) -> Shared:
        """The same sessions and facts, with the lists to be read anew."""
        other = Shared(
            inline=self.inline, data_root=self.data_root, fetch=self.fetch, looking=self.looking, tell=self._tell
        )
        for place, session in self._sessions.known():
            other._sessions.put(place, Session(session.azure, session.remote))
        return other


def _place_in_repository(folder: Path) -> tuple[str, str]:
    """The repository of a folder as sources name it, empty where none is known, and the way from its root to there."""
    found = checkout_of(folder)
    if found is None:
        return "", ""
    inside = folder.relative_to(found.top).as_posix()
    # Git takes a relative remote from the root of the work tree.
    remote = str(found.top / found.remote) if found.remote.startswith(".") else found.remote
    return Source.of(remote, "").repository, "" if inside == "." else f"{inside}/"
