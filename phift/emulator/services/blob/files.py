"""Blob content on disk: one file per piece, named by us.

A file is complete before a row of the index names it, so a killed process loses nothing it acknowledged; what no row
names afterwards is swept at start. Large files are flushed to the disk too. A power cut may cost the last small ones,
as it may cost the last rows of the index: the sweep then drops the blobs they belong to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from phift.emulator.services.blob.model import Content

__all__ = ["ContentFiles", "Staged"]

SMALL = 256 * 1024
"""Up to this many bytes a body is kept in memory until it is complete."""


class ContentFiles:
    """The folder of content files. Names are ours (32 hex digits), so none from a request becomes a path."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):
            (root / f"{number:02x}").mkdir(exist_ok=True, mode=0o700)
        self._pins: Counter[str] = Counter()
        self._doomed: set[str] = set()

    def path(self, file: str) -> Path:
        return self.root / file[:2] / file

    def stage(self, *, hashed: bool = True) -> Staged:
        """A place to write bytes that come in pieces. hashed: whether their MD5 will be asked for."""
        return Staged(self, hashed=hashed)

    def adopt(self, source: Path, *, link: bool) -> Content:
        """A copy of a file as content; a hard link where the file system allows, when `link`.

        A linked source must not be written again: replace it instead.
        """
        file = uuid.uuid4().hex
        target = self.path(file)
        if not (link and _try_link(source, target)):
            shutil.copyfile(source, target)
        with target.open("rb") as stream:
            os.fsync(stream.fileno())
        return Content(file, target.stat().st_size)

    def append(self, file: str, offset: int, data: bytes) -> None:
        """Write at `offset`, the committed end; anything an interrupted append left behind it is cut off."""
        with self.path(file).open("r+b") as stream:
            stream.truncate(offset)
            stream.seek(offset)
            stream.write(data)

    @contextlib.contextmanager
    def pinned(self, files: Iterable[str]) -> Iterator[None]:
        """Keep files readable while they are read, though their blob be overwritten or deleted."""
        held = list(files)
        self._pins.update(held)
        try:
            yield
        finally:
            for file in held:
                self._pins[file] -= 1
                if self._pins[file] <= 0:
                    del self._pins[file]
                    if file in self._doomed:
                        self._doomed.discard(file)
                        self.path(file).unlink(missing_ok=True)

    def discard(self, files: Iterable[str]) -> None:
        """Remove files, those being read once that is over."""
        for file in files:
            if file in self._pins:
                self._doomed.add(file)
            else:
                self.path(file).unlink(missing_ok=True)

    def sweep(self, known: Mapping[str, int]) -> tuple[int, set[str]]:
        """Remove every file that is not in `known`; return how many, and which known ones are missing or too short.

        known: the least length by file. Only before anything is staged.
        """
        count, whole = 0, set()
        for folder in os.scandir(self.root):
            for entry in os.scandir(folder.path):
                if entry.name not in known:
                    os.unlink(entry.path)
                    count += 1
                elif entry.stat().st_size >= known[entry.name]:
                    whole.add(entry.name)
        return count, known.keys() - whole


class Staged:
    """Bytes on their way to the disk. Not thread-safe, but may be used from one thread after another."""

    def __init__(self, files: ContentFiles, *, hashed: bool) -> None:
        self._file = uuid.uuid4().hex
        self._path = files.path(self._file)
        self._buffer = bytearray()
        self._descriptor = -1
        self._md5 = hashlib.md5(usedforsecurity=False) if hashed else None  # half the cost of an upload
        self.length = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._md5:
            self._md5.update(data)
        self.length += len(data)
        if self._descriptor < 0:
            if self.length <= SMALL:
                self._buffer += data
                return
            self._open()
        _write_all(self._descriptor, data)

    @property
    def md5(self) -> bytes | None:
        """The raw digest, None when not hashed."""
        return self._md5.digest() if self._md5 else None

    @property
    def small(self) -> bytes | None:
        """All bytes when there are few of them, else None."""
        return bytes(self._buffer) if self._descriptor < 0 else None

    def finish(self) -> Content:
        """Complete the file and hand the content over. Quick when the content is `small`; for a thread otherwise."""
        if self._descriptor < 0:
            self._open()
        else:
            os.fsync(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        return Content(self._file, self.length, self.md5)

    def discard(self) -> None:
        """Drop what was written."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        _write_all(self._descriptor, self._buffer)
        self._buffer = bytearray()


def _write_all(descriptor: int, data: bytes | bytearray | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _try_link(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError:
        return False
    return True
