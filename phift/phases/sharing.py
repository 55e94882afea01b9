"""What many stacks read once: a session and its lists for each workspace, facts, lock files, and whose a spec is."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from phift.azure.facts import AzureFacts
from phift.azure.session import Azure
from phift.data import SourceIdentity, identify
from phift.files import real, repository_of
from phift.lock import Lock, read_lock
from phift.phases.once import Once
from phift.phases.readings import Readings
from phift.phases.request import Connector
from phift.resources.base import Snapshot
from phift.spec import LoadedSpec

__all__ = ["Session", "Shared", "place_of"]


@dataclass(frozen=True)
class Session:
    """One workspace. snapshot: its lists, for plans only; readings: what its stacks refer to."""

    azure: Azure
    readings: Readings
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

    def __init__(self, *, inline: bool = False, data_root: Path | None = None) -> None:
        self.inline = inline
        """Whether a stack's reads go one after another, because stacks already go side by side."""
        self._data_root = data_root
        self._sessions = Once()
        self._files = Once()

    def session(self, loaded: LoadedSpec, connect: Connector) -> Session:
        """Raises AzureError or EmulatorError."""

        def begin() -> Session:
            azure = connect(loaded)
            return Session(azure, Readings(AzureFacts(azure)))

        return self._sessions.get(place_of(loaded), begin)

    def lock(self, path: Path) -> Lock:
        """A lock file's content. Raises InvalidSpecError."""
        return self._files.get(("lock", str(path)), lambda: read_lock(path))

    def identity(self, pattern: str, folder: Path) -> SourceIdentity:
        """What local data is. Raises InvalidSpecError."""
        root = self._data_root
        return self._files.get(("data", pattern, str(folder)), lambda: identify({"path": pattern}, folder, root))

    def outside(self, pattern: str, folder: Path) -> tuple[Path, ...]:
        """The files of the same data that lie outside of the repository that the folder belongs to, links followed."""

        def find() -> tuple[Path, ...]:
            home = self._files.get(("home", str(folder)), lambda: repository_of(folder))
            files = (real(file.path) for file in self.identity(pattern, folder).files)
            return tuple(path for path in files if not path.is_relative_to(home))

        return self._files.get(("outside", pattern, str(folder)), find)

    def source(self, path: Path) -> str:
        """`repository#path`: which file, of which repository, a stack belongs to; the same on every clone."""
        whole = os.path.realpath(path)
        folder = os.path.dirname(whole)
        top, remote = self._files.get(("git", folder), lambda: _repository(folder))
        return f"{remote}#{os.path.relpath(whole, top).replace(os.sep, '/')}" if top else f"#{os.path.basename(whole)}"

    def fresh(self) -> Shared:
        """The same sessions and facts, with the lists to be read anew."""
        other = Shared(inline=self.inline, data_root=self._data_root)
        for place, session in self._sessions.known():
            other._sessions.put(place, Session(session.azure, session.readings))
        return other


def _repository(folder: str) -> tuple[str, str]:
    """The work tree's root and its remote, without credentials."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not top:
        return "", ""
    remote = _git(folder, "config", "--get", "remote.origin.url")
    scheme, separator, rest = remote.partition("://")
    return os.path.realpath(top), f"{scheme}://{rest.rpartition('@')[2]}" if separator else remote


def _git(folder: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", folder, *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""  # without git a stack is owned by its file name alone
    return done.stdout.strip() if done.returncode == 0 else ""
