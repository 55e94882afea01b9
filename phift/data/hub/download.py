"""Files of the hub on this disk: whole ones that are verified before use, a place to keep them, and one ahead."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from typing import Any, TypeVar

from phift.data.hub.errors import HubError, disk_full, not_the_pinned_file
from phift.data.hub.pins import HubFile
from phift.data.hub.remote import Cancelled, RangesIgnored, Remote
from phift.digest import file_digest

__all__ = ["PARTIAL", "Download", "Meter", "Progress", "Slot", "one_ahead"]

T = TypeVar("T")

PARTIAL = ".ranges"
"""Ending of a file with holes: parts of one of the hub, used by one read only."""
_SLOTS = 32
_PIECE = 1 << 20
_REPORT = 1 << 20  # bytes between two reports
_LEAVE = 5.0  # seconds that an abandoned download may take to notice


@dataclass(frozen=True)
class Download:
    """How far it is. current, total: bytes so far and planned; file: its number, from 1; files: how many there are."""

    current: int
    total: int
    file: int
    files: int


Progress = Callable[[Download], object]
"""Called now and then, and at the end of each file, from the thread that downloads."""


class Meter:
    """Counts bytes and reports them."""

    def __init__(self, total: int, files: int, progress: Progress | None) -> None:
        self._total = total
        self._files = files
        self._progress = progress
        self._file = 0
        self._done = 0
        self._reported = -_REPORT

    def begin(self, number: int) -> None:
        """The file of that number, from 1, comes next."""
        self._file = number

    def add(self, size: int) -> None:
        """So many bytes more."""
        self._done += size
        if self._done - self._reported >= _REPORT:
            self.report()

    def mark(self) -> int:
        """Bytes so far, to go back to."""
        return self._done

    def back_to(self, mark: int) -> None:
        """What came after the mark was in vain."""
        self._done = mark
        self._reported = min(self._reported, mark)

    def report(self) -> None:
        self._reported = self._done
        if self._progress is not None:
            total = max(self._total, self._done)
            self._progress(Download(self._done, total, max(1, self._file), self._files))


class Slot:
    """A folder for the files of one read, which nobody else uses meanwhile: the first free one under `folder`.

    What a killed read left in it is used where it fits. keep: files stay after use. Raises HubError when the folder
    cannot be used.
    """

    def __init__(self, folder: Path, files: Iterable[HubFile], *, keep: bool = False) -> None:
        self.keep = keep
        self._folder = folder
        self._wanted = {self._name(file) for file in files}
        self._lock = -1
        self.path = folder

    def __enter__(self) -> Slot:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for number in range(_SLOTS):
                self._lock = os.open(self._folder / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(self._lock)
                    continue
                self.path = self._folder / str(number)
                self.path.mkdir(exist_ok=True)
                self._tidy()
                return self
        except OSError as error:
            raise HubError(
                f"cannot use {self._folder}: {error.strerror or error}",
                code="hub-folder",
                remedy="Downloads go there: make it writable, or set PHIFT_HOME.",
            ) from None
        summary = f"{_SLOTS} downloads are running in {self._folder}"
        raise HubError(summary, code="hub-folder", remedy="Wait for one of them to end.")

    def __exit__(self, *exception: object) -> None:
        for path in self.path.glob(f"*{PARTIAL}"):
            path.unlink(missing_ok=True)
        os.close(self._lock)

    def place(self, file: HubFile, ending: str = "") -> Path:
        """Where a file goes, under a name that keeps its suffixes: readers tell compression by them."""
        return self.path / f"{self._name(file)}{ending}"

    def need(self, size: int) -> None:
        """Raises HubError when so many bytes more do not fit on the disk."""
        free = shutil.disk_usage(self.path).free
        if free < size:
            raise disk_full(self._folder, size, free)

    def missing(self, file: HubFile) -> int:
        """Bytes of a whole file that are not here yet."""
        here = [self.place(file, ending) for ending in ("", ".part")]
        return file.size - max((path.stat().st_size for path in here if path.exists()), default=0)

    def done(self, path: Path) -> None:
        """A file is not needed any more."""
        if not self.keep:
            path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, path: Path, mode: str) -> Iterator[Any]:
        """A file to write to; a full disk is told as such."""
        try:
            with path.open(mode) as out:
                yield out
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise disk_full(self._folder, _PIECE, shutil.disk_usage(self.path).free) from None
            raise

    def whole(self, remote: Remote, meter: Meter, cancelled: threading.Event) -> Path:
        """The file, whole and with the pinned SHA-256, downloaded as far as it is not here yet.

        It has its name only once it is verified; a part is taken up where it ends. Raises as Remote.read.
        """
        path, part = self.place(remote.file), self.place(remote.file, ".part")
        if path.exists():
            if path.stat().st_size == remote.file.size and file_digest(path) == remote.file.sha256:
                meter.add(remote.file.size)
                return path
            path.unlink()
        found = ""
        mark = meter.mark()
        for resume in (True, False):
            meter.back_to(mark)
            try:
                found = self._fill(remote, part, meter, cancelled, resume=resume)
            except RangesIgnored:
                continue  # from the start, without a range
            if found == remote.file.sha256:
                os.replace(part, path)
                return path
            part.unlink()  # what was here may have been another file's: once more from the start
        if not found:
            raise HubError(f"{remote.subject} cannot be downloaded whole", code="hub-no-ranges", remedy=_NO_RANGES)
        raise not_the_pinned_file(remote.subject, f"sha256 {remote.file.sha256[:12]}", f"sha256 {found[:12]}")

    def _fill(self, remote: Remote, part: Path, meter: Meter, cancelled: threading.Event, *, resume: bool) -> str:
        """Download what a part lacks; the SHA-256 of all of it."""
        hasher = sha256()
        have = 0
        if resume and part.exists() and part.stat().st_size <= remote.file.size:
            with part.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    hasher.update(piece)
                    have += len(piece)
        meter.add(have)
        with self.writing(part, "r+b" if have else "wb") as out:
            out.seek(have)

            def write(chunk: bytes) -> None:
                out.write(chunk)
                hasher.update(chunk)
                meter.add(len(chunk))

            remote.read(have, remote.file.size, write, cancelled)
        return hasher.hexdigest()

    def _tidy(self) -> None:
        """Remove what no file of this read is."""
        if self.keep:
            return
        for path in self.path.iterdir():
            if path.name.removesuffix(".part") not in self._wanted:
                path.unlink(missing_ok=True)

    @staticmethod
    def _name(file: HubFile) -> str:
        return f"{file.sha256[:24]}-{PurePosixPath(file.path).name[-100:]}"


_NO_RANGES = "A proxy cuts answers and ignores byte ranges: bypass it for the hub (NO_PROXY)."


def one_ahead(items: Generator[T, None, None], cancelled: threading.Event) -> Generator[T, None, None]:
    """The items of a generator that runs in a thread of its own, one item ahead of whoever takes them.

    When the taker stops early `cancelled` is set, the generator is closed, and a download at work ends within seconds.
    """
    asked: SimpleQueue[bool] = SimpleQueue()
    given: SimpleQueue[T | _End] = SimpleQueue()

    def work() -> None:
        # One thread for all items: a new one for each would leave Arrow's allocator a heap a thread.
        while asked.get():
            try:
                given.put(next(items))
            except (Cancelled, StopIteration):
                given.put(_End(None))
            except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
                given.put(_End(error))

    thread = threading.Thread(target=work, name="phift-hub-download", daemon=True)
    thread.start()
    asked.put(True)
    try:
        while not isinstance(item := given.get(), _End):
            asked.put(True)
            yield item
        if item.error is not None:
            raise item.error
    finally:
        cancelled.set()
        asked.put(False)
        thread.join(_LEAVE)
        if not thread.is_alive():
            items.close()


@dataclass
class _End:
    """No further item, for this reason."""

    error: BaseException | None
