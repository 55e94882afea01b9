"""A partial file: some byte ranges of a file of the hub, in their places, and a journal of those that are complete.

A range cannot be verified against the SHA-256 of the whole file, so the journal keeps a checksum of each one as it was
received: what a killed read left is used again only where it still has it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from phift.data.hub.download import Slot

__all__ = ["JOURNAL", "PARTIAL", "PartialFile"]

PARTIAL = ".ranges"
"""Ending of a file with holes."""
JOURNAL = ".ranges.txt"
"""Ending of its journal: a line `start stop crc32` a range."""
_PIECE = 1 << 20


class PartialFile:
    """The partial file at `path`, of `size` bytes when whole."""

    def __init__(self, slot: Slot, path: Path, size: int) -> None:
        self.path = path
        self._slot = slot
        self._journal = path.with_name(path.name.removesuffix(PARTIAL) + JOURNAL)
        self._size = size
        self._left = self._verified()

    def begin(self, start: int, tail: bytes) -> None:
        """Put the file's last bytes, from `start` on, into their place. Raises HubError when the disk is full."""
        if not self._left:
            self._journal.unlink(missing_ok=True)
        with self._slot.writing(self.path, "r+b" if self._left else "wb") as out:
            out.truncate(self._size)
            out.seek(start)
            out.write(tail)

    def has(self, start: int, stop: int) -> bool:
        """Whether a killed read left this range."""
        return (start, stop) in self._left

    @contextmanager
    def adding(self, start: int, stop: int) -> Iterator[Callable[[bytes], None]]:
        """Yields what appends to the range; it counts as complete when the block ends well."""
        check = 0
        with self._slot.writing(self.path, "r+b") as out:
            out.seek(start)

            def write(chunk: bytes) -> None:
                nonlocal check
                out.write(chunk)
                check = zlib.crc32(chunk, check)

            yield write
        with self._slot.writing(self._journal, "ab") as journal:
            journal.write(f"{start} {stop} {check:08x}\n".encode())

    def _verified(self) -> set[tuple[int, int]]:
        """Ranges of the journal that the file holds as they were received."""
        found = set()
        try:
            if self.path.stat().st_size != self._size:
                return set()
            lines = self._journal.read_text(encoding="ascii").splitlines()
            with self.path.open("rb") as stream:
                for line in lines:
                    start, stop, check = line.split()
                    if _crc32(stream, int(start), int(stop)) == int(check, 16):
                        found.add((int(start), int(stop)))
        except (OSError, ValueError):  # no file, or a line that was cut off: the last one
            return found
        return found


def _crc32(stream: BinaryIO, start: int, stop: int) -> int:
    check = 0
    stream.seek(start)
    while start < stop:
        piece = stream.read(min(_PIECE, stop - start))
        if not piece:
            return -1
        check = zlib.crc32(piece, check)
        start += len(piece)
    return check
