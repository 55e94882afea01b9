"""Downloads: whole files verified before use, the folder that holds them, and a background thread one item ahead."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from typing import Any, TypeVar

from phift.data import space
from phift.data.downloads import sweep
from phift.data.hub.errors import HubError, no_ranges, not_the_pinned_file
from phift.data.hub.pins import HubFile
from phift.data.hub.ranges import JOURNAL, PARTIAL
from phift.data.hub.remote import Cancelled, RangesIgnored, Remote
from phift.data.locking import lock
from phift.digest import digest_of, file_digest

__all__ = ["Download", "Meter", "Progress", "Slot", "one_ahead"]

T = TypeVar("T")

_SLOTS = 32
_PLENTY = 1 << 30  # bytes
_PIECE = 1 << 20
_REPORT = 1 << 20  # bytes between two reports
_ODD = re.compile(r"[^\w.-]", re.ASCII)
"""Characters that readers may not treat as part of a name: `datasets` also opens what follows `::`."""
_LEAVE = 5.0  # seconds that an abandoned download may take to notice


@dataclass(frozen=True)
class Download:
    """Progress. current, total: bytes so far and planned; file: the current file's number, from 1, of `files`."""

    current: int
    total: int
    file: int
    files: int


Progress = Callable[[Download], object]
"""Called periodically, and at the end of each file, from the download thread."""


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
        """The file with this number, from 1, is next."""
        self._file = number

    def add(self, size: int) -> None:
        """Count more bytes."""
        self._done += size
        if self._done - self._reported >= _REPORT:
            self.report()

    def mark(self) -> int:
        """Bytes so far, for `back_to`."""
        return self._done

    def back_to(self, mark: int) -> None:
        """Discard what was counted after the mark."""
        self._done = mark
        self._reported = min(self._reported, mark)

    def report(self) -> None:
        self._reported = self._done
        if self._progress is not None:
            total = max(self._total, self._done)
            self._progress(Download(self._done, total, max(1, self._file), self._files))


class Slot:
    """A folder for the files of one read, locked against other reads: one of those under `folder`.

    Files left by a killed read are reused: the slot with files of this read is taken, else an empty one.
    keep: files stay after use. Raises PhiftError when the folder cannot be used.
    """

    def __init__(self, folder: Path, files: Iterable[HubFile], *, keep: bool = False) -> None:
        self.keep = keep
        self._spared = False
        self._folder = folder
        self._wanted = {self._name(file) for file in files}
        self._lock = -1
        self.path = folder

    def __enter__(self) -> Slot:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for number in sorted(range(_SLOTS), key=self._rank):
                found = lock(self._folder / f"{number}.lock", wait=False)
                if found is None:
                    continue
                self._lock = found
                self.path = self._folder / str(number)
                self.path.mkdir(mode=0o700, exist_ok=True)
                self._tidy()
                sweep(self._folder)
                return self
        except OSError as error:
            raise space.unusable(self._folder, error) from None
        summary = f"{_SLOTS} downloads are running in {self._folder}"
        raise HubError(summary, code="hub-folder", remedy="Wait for one of them to end.")

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        ended = kind is None or kind is GeneratorExit
        for path in self.path.iterdir():
            if (ended and path.name.endswith((PARTIAL, JOURNAL))) or (kind is None and not self.keep):
                path.unlink(missing_ok=True)
        os.close(self._lock)

    def spare(self, size: int) -> None:
        """Files of this many bytes in total may stay until the read ends, if the disk has plenty of room: a read
        that is killed then downloads none of them again."""
        self._spared = shutil.disk_usage(self.path).free >= 2 * size + _PLENTY

    def place(self, file: HubFile, ending: str = "") -> Path:
        """The path of a file. Its name keeps the suffixes, from which readers derive the compression."""
        return self.path / f"{self._name(file)}{ending}"

    def need(self, size: int) -> None:
        """Raises DiskFullError when this many more bytes do not fit, even without what killed reads left."""
        space.need(self._folder, size, lambda: sweep(self._folder, older=0.0))

    def missing(self, file: HubFile) -> int:
        """Return the missing bytes of a whole file."""
        here = [self.place(file, ending) for ending in ("", ".part")]
        return file.size - max((path.stat().st_size for path in here if path.exists()), default=0)

    def done(self, path: Path) -> None:
        """Delete a file that is no longer needed."""
        if not self.keep and not self._spared:
            path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, path: Path, mode: str) -> Iterator[Any]:
        """A file open for writing. Raises DiskFullError."""
        with space.full_disk_error(self._folder), path.open(mode) as out:
            yield out

    def whole(self, remote: Remote, meter: Meter, cancelled: threading.Event) -> Path:
        """The path of the whole file, verified by its SHA-256; downloads what is missing.

        A file has its final name only after verification; a partial one is resumed. Raises as Remote.read.
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
            part.unlink()  # the part may have been damaged: download once more from the start
        if not found:
            raise no_ranges(remote.place, f"a cut download of {remote.subject} cannot be continued")
        raise not_the_pinned_file(remote.subject, f"sha256 {remote.file.sha256[:12]}", f"sha256 {found[:12]}")

    def _fill(self, remote: Remote, part: Path, meter: Meter, cancelled: threading.Event, *, resume: bool) -> str:
        """Complete the partial file; returns the SHA-256 of the result."""
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
        """Remove files that this read cannot use."""
        if self.keep:
            return
        for path in self.path.iterdir():
            if not self._is_wanted(path.name):
                path.unlink(missing_ok=True)

    def _is_wanted(self, name: str) -> bool:
        return any(name.removesuffix(ending) in self._wanted for ending in ("", ".part", PARTIAL, JOURNAL))

    def _rank(self, number: int) -> tuple[int, float]:
        """Slots with files of this read first, then empty ones, then those with files of others, the oldest first."""
        path = self._folder / str(number)
        if not path.is_dir():
            return 1, number
        names = [each.name for each in path.iterdir()]
        if any(self._is_wanted(name) for name in names):
            return 0, number
        return (2, path.stat().st_mtime) if names else (1, number)

    @staticmethod
    def _name(file: HubFile) -> str:
        # By path too: two files of one content are two files, and the first is deleted while the second is in use.
        return f"{file.sha256[:24]}-{digest_of(file.path, 8)}-{_ODD.sub('_', PurePosixPath(file.path).name[-100:])}"


def one_ahead(items: Generator[T, None, None], cancelled: threading.Event) -> Generator[T, None, None]:
    """Run a generator in a background thread, one item ahead of the consumer.

    When the consumer stops early, `cancelled` is set and the generator is closed; a running download ends within
    seconds.
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
    """The end of the items. error: what ended them, if not the generator itself."""

    error: BaseException | None
