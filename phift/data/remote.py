"""Data files that are not on this machine: their interface, and the folder for downloads."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, Protocol

from phift.data import space
from phift.data.downloads import sweep
from phift.data.locking import held
from phift.data.output import written_whole
from phift.data.sources import SourceFile
from phift.diagnostics import Diagnostic
from phift.digest import digest_of
from phift.errors import InvalidSpecError

__all__ = [
    "Fetched",
    "Folder",
    "Named",
    "Progress",
    "RemoteFiles",
    "columns_of_head",
    "folder_named",
    "folder_of",
    "invalid",
]

Progress = Callable[[int, int, int, int], object]
"""Called with (bytes so far, total bytes, number of the file from 1, files)."""

Named = tuple[str, SourceFile]
"""A downloaded file, and its name for messages."""

_TAIL = 1 << 16


class RemoteFiles(Protocol):
    """Remote files of a source, pinned by their content."""

    @property
    def size(self) -> int:
        """Total bytes."""

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of the files, in order: values of FORMATS."""

    def plain(self) -> dict[str, object]:
        """The entries for the recipe."""

    def columns(self) -> Collection[str] | None:
        """The columns of the first file; None if unknown until rows are read."""

    def names(self) -> tuple[str, ...]:
        """The names of the files, in order, for messages."""

    def fetch(self, index: int, folder: Folder, progress: Callable[[int], object]) -> SourceFile:
        """Download and verify one file. progress: called with the bytes of the file so far.

        Raises StalePlanError if it has changed since it was identified, PhiftError if it cannot be downloaded.
        """

    def __str__(self) -> str:
        """Return text for people."""


class Fetched:
    """Yield the files in row order, each downloaded on first use and kept until the folder is closed."""

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
    """A folder for downloads; files are created atomically."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def place(self, name: str) -> Path:
        return self.path / name

    def need(self, size: int) -> None:
        """Raise DiskFullError if the bytes do not fit on the disk, even after deleting leftovers of killed reads."""
        space.need(self.path, size, lambda: sweep(self.path.parent, older=0.0))

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file for writing that gets its name at the end. Raises DiskFullError."""
        with space.full_disk_error(self.path), written_whole(self.path / name) as out:
            yield out


@contextmanager
def folder_named(name: str, folder: Path, *, keep: bool = False) -> Iterator[Folder]:
    """Lock the download folder of that name below `folder` for this process.

    It is deleted at the end unless `keep` is set or an error occurs: complete files are then not downloaded again.
    Raises PhiftError if it cannot be used.
    """
    path = folder / "files" / name
    with ExitStack() as stack:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sweep(path.parent)
            lock = path.with_suffix(".lock")
            stack.enter_context(held(lock))
            path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise space.unusable(path, error) from None
        yield Folder(path)
        if not keep:
            shutil.rmtree(path, ignore_errors=True)
            lock.unlink(missing_ok=True)


def folder_of(remote: RemoteFiles, folder: Path, *, keep: bool = False) -> AbstractContextManager[Folder]:
    """Return the folder for the files of a source, see `folder_named`."""
    return folder_named(digest_of(remote.plain(), 24), folder, keep=keep)


def columns_of_head(format: str, size: int, read: Callable[[int, int], bytes], most: int) -> Collection[str] | None:
    """Return the columns of a file, reading only its first `most` bytes, or the footer for Parquet.

    read: returns the bytes from one offset to another (exclusive). Raises the errors of `read`.
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
    """Build the error about a source. path: the field."""
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=path, code=f"data-{code}")])
