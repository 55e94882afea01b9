"""The holder of a lease, in enough detail to find the person, the machine and the CI run."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from phift.clock import stamp
from phift.digest import digest_of
from phift.git import git

__all__ = ["Holder", "commit_of", "run_url"]


@dataclass(frozen=True)
class Holder:
    """user, host, pid: who and where. since: ISO time. commit: of the spec's repository. run_url: of the CI run.

    place: a digest that is equal for processes in the same pid namespace and boot. apply_id: of the journal.
    """

    user: str = ""
    host: str = ""
    pid: int = 0
    since: str = ""
    commit: str = ""
    run_url: str = ""
    place: str = ""
    apply_id: str = ""

    @classmethod
    def here(
        cls, now: datetime, *, folder: Path, apply_id: str = "", environ: Mapping[str, str] = os.environ
    ) -> Holder:
        """Return the holder for this process, which applies a spec in `folder`."""
        return cls(
            user=environ.get("GITHUB_ACTOR") or environ.get("BUILD_REQUESTEDFOR") or _user(),
            host=socket.gethostname(),
            pid=os.getpid(),
            since=stamp(now),
            commit=environ.get("GITHUB_SHA") or environ.get("BUILD_SOURCEVERSION") or commit_of(folder),
            run_url=run_url(environ),
            place=_place(),
            apply_id=apply_id,
        )

    @classmethod
    def from_json(cls, data: bytes) -> Holder:
        """Read the output of to_json of any version; unreadable fields are empty."""
        try:
            document = json.loads(data)
        except ValueError:
            return cls()
        if not isinstance(document, dict):
            return cls()
        known = {field.name: field.default for field in fields(cls)}
        kept: dict[str, Any] = {k: v for k, v in document.items() if k in known and type(v) is type(known[k])}
        return cls(**kept)

    def to_json(self) -> bytes:
        """Return the text for the lease blob."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @property
    def is_gone(self) -> bool:
        """Return whether the holder ran on this machine and its process certainly no longer exists."""
        if not self.pid or not self.place or self.place != _place():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False

    def describe(self) -> str:
        """Return one line per fact, for people."""
        who = f"{self.user or 'someone'} on {self.host or 'an unknown host'}" + (
            f", pid {self.pid}" if self.pid else ""
        )
        facts = (("since", self.since), ("commit", self.commit), ("run", self.run_url))
        return "\n".join([f"held by {who}", *(f"{name} {value}" for name, value in facts if value)])


def run_url(environ: Mapping[str, str]) -> str:
    """Return the URL of the running CI job for GitHub Actions and Azure Pipelines; empty elsewhere."""
    if run := environ.get("GITHUB_RUN_ID"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    if (build := environ.get("BUILD_BUILDID")) and (collection := environ.get("SYSTEM_COLLECTIONURI")):
        return f"{collection}{environ.get('SYSTEM_TEAMPROJECT', '')}/_build/results?buildId={build}"
    return ""


def commit_of(folder: Path) -> str:
    """Return the commit checked out in a folder; empty without a repository or without Git."""
    try:
        return (git(folder, "rev-parse", "HEAD") or b"").decode().strip()
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def _place() -> str:
    """Return an id that differs between machines, boots and process namespaces."""
    parts = [socket.gethostname()]
    try:
        parts += [
            Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            str(Path("/proc/self/ns/pid").readlink()),
        ]
    except OSError:
        import uuid

        parts.append(str(uuid.getnode()))
    return digest_of(parts, 16)
