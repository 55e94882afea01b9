"""Read text files as byte streams, compressed or not, in constant memory. Detects decompression bombs.

A compressed file is identified by its compressed bytes; it is decompressed only to read its rows.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from phift.data import limits
from phift.data.foreign import foreign
from phift.data.problems import FileProblem

__all__ = ["BUFFER", "UnreadableError", "is_short", "opened"]

BUFFER = 1 << 20  # bytes; the default of 8 KiB holds about one row
_CHUNK = 1 << 17  # compressed bytes
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_WIDEST = 1 << 27  # maximum bytes of zstd's window: the default of its library


class UnreadableError(Exception):
    """The rest of the stream cannot be read. problem: why."""

    def __init__(self, problem: FileProblem) -> None:
        super().__init__(problem.summary)
        self.problem = problem


@contextmanager
def opened(path: Path, codec: str = "") -> Iterator[io.BufferedReader[Any]]:
    """Open a file as decompressed bytes. codec: "", "gz" or "zst".

    Raises OSError; reading raises UnreadableError if the compressed stream is damaged or exceeds a limit.
    """
    with io.BufferedReader(io.FileIO(path), BUFFER) as stream:
        if not codec:
            yield stream
            return
        size = os.fstat(stream.fileno()).st_size
        head = stream.peek(4)
        if codec == "gz":
            _require(head, _GZIP, "gzip", codec)
            yield io.BufferedReader(_Decompressed(_Gzip(stream).read, size), BUFFER)
        else:
            _require(head, _ZSTD, "zstd", codec)
            _require_narrow(head)
            with _zstd(path) as read:
                yield io.BufferedReader(_Decompressed(read, size), BUFFER)


def is_short(stream: BinaryIO, codec: str) -> bool:
    """Return whether no line can exceed the limit."""
    return not codec and os.fstat(stream.fileno()).st_size <= limits.LONGEST


def _require(head: bytes, magic: bytes, name: str, suffix: str) -> None:
    skippable = suffix == "zst" and head[1:4] == b"\x2a\x4d\x18"
    if head.startswith(magic) or skippable:
        return
    other = foreign(head, suffix)
    remedy = other.remedy if other else f"Compress it, or remove .{suffix} from its name."
    summary = other.summary if other else f"the name ends in .{suffix}, but the file is not compressed with {name}"
    raise UnreadableError(FileProblem("compression", summary, remedy))


class _Decompressed(io.RawIOBase):
    """Limits the output of `read` (of at most this many bytes) for a file of `size` compressed bytes."""

    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read = read
        self._most = min(limits.LARGEST, max(limits.PLENTY, limits.RATIO * size))
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        filled = 0
        while filled < len(view):
            piece = self._read(len(view) - filled)
            if not piece:
                break
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        self._done += filled
        if self._done > self._most:
            summary = f"the file decompresses to more than {self._most >> 20:,} MiB"
            if self._most < limits.LARGEST:
                summary += f", {limits.RATIO} times its size or more"
            raise UnreadableError(FileProblem("bomb", summary, "If the file is legitimate, decompress it first."))
        return filled


class _Gzip:
    """Decompresses concatenated gzip members; zeros after the last one are padding."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._member = zlib.decompressobj(31)
        self._pending = b""
        self._done = 0

    def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes; none at the end."""
        while True:
            if self._member.eof and not self._next_member():
                return b""
            data = self._pending or self._source.read(_CHUNK)
            try:
                out = self._member.decompress(data, size)
            except zlib.error:
                raise self._damaged("gzip", "is damaged") from None
            self._pending = self._member.unconsumed_tail
            self._done += len(out)
            if out:
                return out
            if not data and not self._member.eof:
                raise self._damaged("gzip-truncated", "is cut off")

    def _next_member(self) -> bool:
        rest = (self._member.unused_data or self._source.read(_CHUNK)).lstrip(b"\0")
        while len(rest) < len(_GZIP):
            more = self._source.read(_CHUNK)
            if not more:
                break
            rest = (rest + more).lstrip(b"\0")
        if not rest:
            return False
        if not rest.startswith(_GZIP):
            raise self._damaged("gzip", "is followed by data that is not gzip")
        self._member, self._pending = zlib.decompressobj(31), rest
        return True

    def _damaged(self, code: str, how: str) -> UnreadableError:
        summary = f"the gzip file {how}, after {self._done:,} bytes of text"
        return UnreadableError(FileProblem(code, summary, "Check it with `gzip -t`, then copy or compress it again."))


@contextmanager
def _zstd(path: Path) -> Iterator[Callable[[int], bytes]]:
    import pyarrow as pa

    done = 0
    with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, "zstd") as stream:

        def read(size: int) -> bytes:
            nonlocal done
            try:
                piece: bytes = stream.read(size)
            except (pa.ArrowException, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # a disk error; stream errors have no errno
                summary = (
                    f"the zstd file cannot be read after {done:,} bytes of text: it is cut off, damaged, or followed "
                    "by data that is not zstd"
                )
                remedy = "Check it with `zstd -t`, then copy or compress it again."
                raise UnreadableError(FileProblem("zstd", summary, remedy)) from None
            done += len(piece)
            return piece

        yield read


def _require_narrow(head: bytes) -> None:
    """Report a window that is too large; the library's error would look like damage."""
    if len(head) < 6 or not head.startswith(_ZSTD) or head[4] & 0x20:
        return
    base = 1 << (10 + (head[5] >> 3))
    window = base + (base >> 3) * (head[5] & 7)
    if window > _WIDEST:
        summary = f"the zstd file requires a window of {window >> 20:,} MiB; the limit is {_WIDEST >> 20} MiB"
        raise UnreadableError(
            FileProblem("zstd-window", summary, "Compress it again without --long, or with --long=27.")
        )
