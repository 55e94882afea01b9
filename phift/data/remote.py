"""Files of rows that are not on this machine: what phift needs to know of them, and the folder they are fetched to."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from phift.data.sources import SourceFile
from phift.diagnostics import Diagnostic
from phift.digest import digest_of
from phift.errors import InvalidSpecError, PhiftError

__all__ = ["Fetched", "Folder", "Named", "Progress", "RemoteFiles", "columns_of_head", "folder_of", "invalid"]

Progress = Callable[[int, int, int, int], object]
"""Called with (bytes so far, bytes in all, number of the file from 1, files)."""

Named = tuple[str, SourceFile]
"""A fetched file, and its name for messages."""

_TAIL = 1 << 16


class RemoteFiles(Protocol):
    """A source's files elsewhere, pinned by their content."""

    @property
    def size(self) -> int:
        """Bytes of all files."""

    @property
    def formats(self) -> tuple[str, ...]:
        """Of the files, in order: values of FORMATS."""

    def plain(self) -> dict[str, object]:
        """What goes into the recipe."""

    def columns(self) -> Collection[str] | None:
        """Of the first file; None where they are known once rows are read."""

    def names(self) -> tuple[str, ...]:
        """Of the files, in order, for messages."""

    def fetch(self, index: int, folder: Folder, progress: Callable[[int], object]) -> SourceFile:
        """One file, downloaded and verified. progress: called with the bytes of the file so far.

        Raises StalePlanError where it is no longer what was identified, PhiftError where it cannot be had.
        """

    def __str__(self) -> str:
        """For people."""


class Fetched:
    """The files in row order, each downloaded when it is first reached and kept until the folder is closed."""

    def __init__(self, remote: RemoteFiles, folder: Folder, progress: Progress | None) -> None:
        self._remote = remote
        self._folder = folder
        self._progress = progress
        self._files: list[SourceFile] = []

    def __iter__(self) -> Iterator[Named]:
        names = self._remote.names()
        for index, name in enumerate(names):
            if index == len(self._files):
                before = sum(file.size for file in self._files)
                self._files.append(self._remote.fetch(index, self._folder, self._told(before, index + 1, len(names))))
            yield name, self._files[index]

    def _told(self, before: int, number: int, files: int) -> Callable[[int], object]:
        def tell(done: int) -> None:
            if self._progress is not None:
                self._progress(before + done, max(self._remote.size, before + done), number, files)

        return tell


class Folder:
    """Where files are downloaded to: each appears under its name when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def place(self, name: str) -> Path:
        return self.path / name

    def need(self, size: int) -> None:
        """Raises PhiftError when this many bytes do not fit on the disk."""
        free = shutil.disk_usage(self.path).free
        if free < size:
            raise PhiftError(
                f"no room to download {size / 1e6:,.0f} MB of data to {self.path}",
                detail=f"{free / 1e6:,.0f} MB are free.",
                remedy="Free some space, or set PHIFT_HOME to a folder on another disk.",
            )

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """A file open for writing that takes its name at the end. Raises PhiftError when the disk is full."""
        part = self.path / f".{name}.part"
        try:
            with part.open("wb") as out:
                yield out
            os.replace(part, self.path / name)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise PhiftError(
                f"no room for downloads in {self.path}", remedy="Free some space, or set PHIFT_HOME to another disk."
            ) from None
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def folder_of(remote: RemoteFiles, folder: Path, *, keep: bool = False) -> Iterator[Folder]:
    """The folder below `folder` for the files of a source, held against other processes that read the same.

    It is deleted at the end (keep: it stays), but not after an error: what is whole in it is not downloaded again.
    Raises PhiftError when it cannot be used.
    """
    path = folder / "files" / digest_of(remote.plain(), 24)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PhiftError(
            f"cannot use {path}: {error.strerror or error}",
            remedy="Downloads go there: make it writable, or set PHIFT_HOME.",
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        path.mkdir(mode=0o700, exist_ok=True)  # whoever held it before has deleted it
        yield Folder(path)
        if not keep:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)


def columns_of_head(format: str, size: int, read: Callable[[int, int], bytes], most: int) -> Collection[str] | None:
    """The columns of a file of which only a part is read: its first `most` bytes, or of Parquet its footer.

    read: the bytes from an offset to another (exclusive). Raises what it raises.
    """
    from phift.data.columns import columns_of

    with tempfile.TemporaryDirectory(prefix="phift-") as scratch:
        path = Path(scratch) / f"head.{format}"
        with path.open("wb") as out:
            if format != "parquet":
                out.write(read(0, min(size, most)))
            else:
                tail = read(max(0, size - _TAIL), size)
                length = int.from_bytes(tail[-8:-4], "little") + 8
                if _TAIL < length <= min(size, 64 << 20):
                    tail = read(size - length, size)
                out.truncate(size)
                out.seek(size - len(tail))
                out.write(tail)
        with contextlib.suppress(OSError):
            return columns_of(SourceFile(path, format, size, ""))
    return None


def invalid(code: str, summary: str, remedy: str = "", path: str = "") -> InvalidSpecError:
    """A finding about a source. path: the field of it."""
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=f"data-{code}")])
