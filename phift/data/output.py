"""The output file: digested while it is written, and moved into place on success."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

__all__ = ["Sink", "written_whole"]

_BUFFER = 1 << 20  # bytes


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that is moved to `path` only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb", _BUFFER) as out:
            yield out
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Sink:
    """Writes and digests lines. size: bytes so far; digest: their SHA-256, 64 hex."""

    def __init__(self, out: BinaryIO) -> None:
        self.size = 0
        self._out = out
        self._hasher = sha256()

    @property
    def digest(self) -> str:
        return self._hasher.hexdigest()

    def write(self, line: bytes) -> None:
        self._out.write(line)
        self._hasher.update(line)
        self.size += len(line)
