"""Real weights for models of the emulated `azureml` registry, kept in a home instead of the stand-in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phift.emulator.runtime.foundation.folder import Contents, inspect
from phift.posix import fcntl

__all__ = ["NAME", "InvalidName", "RealWeights", "WeightsStore", "room_for"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
"""Of models, as the service takes them."""
_INDEX = "weights.json"


class InvalidName(ValueError):
    """Not the name of a registry model."""


@dataclass(frozen=True)
class RealWeights:
    """The weights that a home has for a model. name: of the model. number: 1 for the first weights of that name, one
    more for each that replaced them. source: the folder or hub id that they came from. digest: of the files. added: ISO
    time. folder: a Hugging Face model folder. The other fields are those of `folder.Contents`."""

    name: str
    number: int
    source: str
    digest: str
    added: str
    folder: str
    architecture: str
    parameters: int
    dtype: str
    hidden_size: int
    context_window: int
    chat: bool
    bytes: int

    @property
    def path(self) -> Path:
        return Path(self.folder)


class WeightsStore:
    """The weights of one home. Other processes may change them at any time; every call reads what is there."""

    def __init__(self, home: Path) -> None:
        self._root = home / "weights"

    def list(self) -> list[RealWeights]:
        """All of them, by name."""
        found = [self._weights(body) for body in self._index()["models"].values()]
        return sorted(found, key=lambda each: each.name.lower())

    def find(self, name: str) -> RealWeights | None:
        """Those of a model; names are case-insensitive."""
        body = self._index()["models"].get(name.lower())
        return self._weights(body) if body else None

    def add(self, name: str, source: str, fill: Callable[[Path], None]) -> tuple[RealWeights, Contents]:
        """Keep weights for a model, instead of those it had; the same ones again change nothing.

        fill: puts the files into the folder that it is given. Raises InvalidName, UnusableModel for files that are not
        a usable model, and what `fill` raises; then nothing has changed.
        """
        if not NAME.fullmatch(name):
            raise InvalidName(name)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging = self._root / f".new-{os.getpid()}"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        try:
            fill(staging)
            shutil.rmtree(staging / ".cache", ignore_errors=True)
            contents, digest = inspect(staging), _digest(staging)
            with self._locked():
                index = self._index()
                former = index["models"].get(name.lower())
                if former and former["digest"] == digest:
                    return self._weights(former), contents
                number = index["numbers"].get(name.lower(), 0) + 1
                folder = self._root / f"{name.lower()}-{number}"
                shutil.rmtree(folder, ignore_errors=True)
                staging.rename(folder)
                known = {field.name for field in fields(RealWeights)}
                weights = RealWeights(
                    **{key: value for key, value in vars(contents).items() if key in known},
                    name=name,
                    number=number,
                    source=source,
                    digest=digest,
                    added=datetime.now(UTC).isoformat(timespec="seconds"),
                    folder=folder.name,
                )
                index["models"][name.lower()], index["numbers"][name.lower()] = asdict(weights), number
                self._write(index)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        if former:
            shutil.rmtree(self._root / former["folder"], ignore_errors=True)
        return self._weights(asdict(weights)), contents

    def remove(self, name: str) -> RealWeights | None:
        """Delete the weights of a model; returns them, or None when it has none."""
        with self._locked():
            index = self._index()
            body = index["models"].pop(name.lower(), None)
            if body is None:
                return None
            self._write(index)
        weights = self._weights(body)
        shutil.rmtree(weights.path, ignore_errors=True)
        return weights

    def _weights(self, body: Mapping[str, Any]) -> RealWeights:
        known = {field.name for field in fields(RealWeights)}
        kept = {key: value for key, value in body.items() if key in known}
        return RealWeights(**{**kept, "folder": str(self._root / kept["folder"])})

    def _index(self) -> dict[str, dict[str, Any]]:
        try:
            index = json.loads((self._root / _INDEX).read_text(encoding="utf-8"))
        except FileNotFoundError:
            index = {}
        return {"models": index.get("models", {}), "numbers": index.get("numbers", {})}

    def _write(self, index: Mapping[str, Any]) -> None:
        temporary = self._root / f".{_INDEX}.{os.getpid()}"
        temporary.write_text(json.dumps(index, indent=1), encoding="utf-8")
        temporary.replace(self._root / _INDEX)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def room_for(contents: Contents, home: Path) -> list[str]:
    """What this machine lacks for a model, a sentence each; memory is compared where the system tells it."""
    lacks = []
    serving = contents.parameters * 4  # it is served with 32 bits
    if (memory := _memory()) and serving > memory:
        lacks.append(f"Serving it takes {_gigabytes(serving)} of memory, and this machine has {_gigabytes(memory)}.")
    # a job has a copy of its own, and makes the trained model as a plain and as an MLflow folder
    training, free = 4 * contents.bytes, shutil.disk_usage(home).free
    if training > free:
        lacks.append(f"A fine-tune takes {_gigabytes(training)} of disk space, and {_gigabytes(free)} are free.")
    return lacks


def _memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB"


def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.is_file():
            with file.open("rb") as stream:
                whole.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
