"""The output file: written and digested on the way, at its place only when whole."""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Self

__all__ = ["Sink", "written_whole"]

_PIECE = 1 << 20  # bytes written and digested at a time


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its place at `path` only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as out:
            yield out
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Sink:
    """Writes and digests in a thread beside the one that parses: both let go of the interpreter's lock.

    One piece is under way at a time, so memory stays flat; its errors come out of the next call.
    """

    def __init__(self, out: BinaryIO) -> None:
        self.size = 0
        self._out = out
        self._hasher = sha256()
        self._lines: list[bytes] = []
        self._held = 0
        self._thread = ThreadPoolExecutor(1, "prepare-data")
        self._under_way: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._send()
                self._settle()
        finally:
            self._thread.shutdown()

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()

    def write(self, line: bytes) -> None:
        self._lines.append(line)
        self._held += len(line)
        if self._held >= _PIECE:
            self._send()

    def _send(self) -> None:
        piece = b"".join(self._lines)
        self.size += len(piece)
        self._lines.clear()
        self._held = 0
        self._settle()
        self._under_way = self._thread.submit(self._take_in, piece)

    def _settle(self) -> None:
        if self._under_way is not None:
            self._under_way.result()

    def _take_in(self, piece: bytes) -> None:
        self._hasher.update(piece)
        self._out.write(piece)
