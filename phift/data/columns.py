"""Read the columns of a local file from its head, to detect the mapping."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from phift.data.parquet import damages
from phift.data.readers import Counter, header_of, read
from phift.data.sources import SourceFile
from phift.data.take import Picked

__all__ = ["columns_of"]

_TAIL = 8  # bytes at the end of Parquet: the length of the footer and a magic number
_LARGEST_FOOTER = 64 << 20


def columns_of(file: SourceFile) -> Collection[str] | None:
    """Return the names of the columns; for JSON, the keys of the first row. None if they cannot be read: reading the
    rows reports why. For Parquet with a column `messages`, only that one: reading all of them needs an import of half
    a second. Raises OSError."""
    if file.format == "parquet":
        return ("messages",) if _footer_names(file.path, b"messages") else _of_parquet(file.path)
    if file.format.startswith(("csv", "tsv")):
        return header_of(file.path, file.format)
    with closing(read(file.path, file.format, Counter(Picked(first=1)), None)) as rows:  # type: ignore[type-var]
        _, row = next(rows, (0, None))
    return tuple(row) if isinstance(row, dict) else None


def _footer_names(path: Path, name: bytes) -> bool:
    """Return whether the footer of a Parquet file contains that name, as a length-prefixed string."""
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        if size < _TAIL:
            return False
        stream.seek(size - _TAIL)
        length = int.from_bytes(stream.read(4), "little")
        if not 0 < length <= min(size, _LARGEST_FOOTER):
            return False
        stream.seek(max(0, size - _TAIL - length))
        return bytes([len(name)]) + name in stream.read(length)


def _of_parquet(path: Path) -> Collection[str] | None:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return tuple(file.schema_arrow.names)
    except damages() as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk
        return None
