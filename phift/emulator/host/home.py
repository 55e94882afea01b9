"""The folder that holds everything an emulator knows, and the files in it that outside processes read.

Standard library only: the command line imports this before it knows whether an emulator is needed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phift.errors import EmulatorError
from phift.home import locate
from phift.posix import fcntl

__all__ = ["ENDPOINT_FORMAT", "STATE", "Home", "Identity"]

ENDPOINT_FORMAT = 2
"""Of endpoint.json. Emulators before 2 admit everybody, and ask for an admin token that they write there."""
STATE = (
    *("store.sqlite3", "store.sqlite3-wal", "store.sqlite3-shm", "blobs", "jobs", "mlflow", "deployments"),
    *("workspaces", "registries"),
)
"""What a reset removes. Identity, certificates, logs and weights of models stay."""

_FILES = (
    *("identity.json", "settings.json", "endpoint.json", ".gitignore"),
    *("identity.lock", "start.lock", "emulator.lock", "tls", "logs", "weights"),
)
"""What is in a home besides."""
_OTHERS = 0o077
"""The permissions of everybody but the owner."""


@dataclass(frozen=True)
class Identity:
    """The identity of this home's Azure; created once, so that names and ids survive restarts and resets."""

    subscription_id: str
    workspace_id: str
    tenant_id: str
    client_id: str
    client_secret: str = field(repr=False)
    signing_key: str = field(repr=False)
    storage_account: str
    created_at: str
    proxy_secret: str = field(repr=False)
    resource_group: str = "phift-local"
    workspace_name: str = "local"
    location: str = "eastus"

    @property
    def container(self) -> str:
        """The workspace's default blob container."""
        return f"azureml-blobstore-{self.workspace_id}"

    @classmethod
    def new(cls) -> Identity:
        return cls(
            subscription_id=str(uuid.uuid4()),
            workspace_id=str(uuid.uuid4()),
            tenant_id=str(uuid.uuid4()),
            client_id=str(uuid.uuid4()),
            client_secret=secrets.token_urlsafe(30),
            signing_key=secrets.token_hex(32),
            storage_account=f"phiftlocal{secrets.token_hex(4)}",
            created_at=datetime.now(UTC).isoformat(),
            proxy_secret=_proxy_secret(),
        )


class Home:
    """One home. Opening it makes the folder (0700) with a .gitignore that ignores all of it, and takes the folder away
    from others where it was theirs to read. Raises EmulatorError for a folder that is not the user's own."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = self.path.stat().st_mode
        if mode & stat.S_ISVTX:
            raise EmulatorError(
                f"{self.path} is a shared directory and cannot be the emulator's home.",
                remedy="Set PHIFT_HOME to a directory of your own.",
            )
        if mode & _OTHERS:
            try:
                self.path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
            except PermissionError as error:
                raise EmulatorError(
                    f"{self.path} is owned by another user and cannot be the emulator's home.",
                    remedy="Set PHIFT_HOME to a directory of your own.",
                ) from error
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")

    @staticmethod
    def locate(start: Path | None = None) -> Path:
        """See phift.home.locate."""
        return locate(start)

    def identity(self) -> Identity:
        """This home's identity, created on the first call."""
        path = self.path / "identity.json"
        with self._locked("identity.lock"):
            if body := _read(path):
                known = {item.name for item in fields(Identity)}
                found = {name: value for name, value in body.items() if name in known}
                if "proxy_secret" in found:
                    return Identity(**found)
                identity = Identity(**found, proxy_secret=_proxy_secret())  # made before there was one
            else:
                identity = Identity.new()
            self._write(path, asdict(identity))
            return identity

    def settings(self) -> dict[str, Any]:
        """What was chosen and is kept over restarts: port, pace, speed, noise."""
        return _read(self.path / "settings.json") or {}

    def remember(self, **settings: Any) -> None:
        self._write(self.path / "settings.json", {**self.settings(), **settings})

    def endpoint(self) -> dict[str, Any] | None:
        """What the running emulator wrote about itself; a leftover of a killed one looks the same."""
        return _read(self.path / "endpoint.json")

    def publish(self, endpoint: dict[str, Any]) -> None:
        self._write(self.path / "endpoint.json", endpoint)

    def withdraw(self) -> None:
        (self.path / "endpoint.json").unlink(missing_ok=True)

    def make_private(self) -> list[Path]:
        """Take everything in the home away from other users: what an earlier release, or a copy, left open to them.
        Returns what could not be changed. Links are not followed. No emulator may be using the home."""
        stuck: list[Path] = []
        for name in (*STATE, *_FILES):
            _make_private(self.path / name, stuck)
        return stuck

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Held while looking for a running emulator and starting one, so that two commands start only one."""
        with self._locked("start.lock"):
            yield

    def claim(self) -> int | None:
        """The lock that lets one emulator use this home, as an open file descriptor, or None when another has it.

        The system gives it up when the process ends, however it ends.
        """
        descriptor = os.open(self.path / "emulator.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def wipe(self) -> None:
        """Remove all state but identity, certificates, settings and logs. No emulator may be using the home."""
        for name in STATE:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, path: Path, body: dict[str, Any]) -> None:
        """Atomic and readable by its owner only."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(body, stream, indent=2)
        temporary.replace(path)


def _proxy_secret() -> str:
    return secrets.token_hex(16)


def _make_private(root: Path, stuck: list[Path]) -> None:
    left = [root]
    while left:
        path = left.pop()
        try:
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                continue
            if mode & _OTHERS:
                path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
            if stat.S_ISDIR(mode):
                left.extend(path.iterdir())
        except FileNotFoundError:
            continue
        except OSError:
            stuck.append(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return body if isinstance(body, dict) else None
