"""Parquet files of the hub: footers, byte ranges of row groups, and rows, from whole or partial local files.

A partial file is a sparse file of the full size that has the footer and some row groups in their places; pyarrow reads
it like any other. pyarrow is imported in functions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.data.hub.errors import HubError
from phift.data.hub.layout import type_text
from phift.data.hub.remote import Remote
from phift.data.parquet import damages, rows_of_group
from phift.data.problems import FileProblem

__all__ = ["Footer", "blocks", "footer_of", "local_footer", "rows_of"]

_MAGIC = b"PAR1"
_LONGEST = 16 << 20  # bytes of a request for several row groups
_GAP = 1 << 16  # bytes between two ranges that are not worth a request
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Footer:
    """metadata: pyarrow's; columns: type by name; tail: the file's last bytes, from `start` on."""

    metadata: Any
    columns: dict[str, str]
    tail: bytes
    start: int


def footer_of(remote: Remote) -> Footer:
    """The footer of a file on the hub, by 1 or 2 ranges. Raises as Remote.read, and HubError if it is not Parquet."""
    size = remote.file.size
    if size < 12:
        raise _not_parquet(remote)
    length = min(size, max(1 << 16, min(1 << 20, size >> 10)))  # with row groups of 4 MB, the footer is a thousandth
    tail = _range(remote, size - length, size)
    if tail[-4:] != _MAGIC:
        raise _not_parquet(remote)
    needed = int.from_bytes(tail[-8:-4], "little") + 8
    if needed > size:
        raise _not_parquet(remote)
    if needed > length:
        tail = _range(remote, size - needed, size - length) + tail
    return _parsed(remote, tail[-max(needed, length) :], size)


def local_footer(remote: Remote, path: Path) -> Footer:
    """The footer of a local file. Raises HubError if it is not Parquet."""
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path)
        columns = _columns(metadata)
    except damages():
        raise _not_parquet(remote) from None
    return Footer(metadata, columns, b"", remote.file.size)


def blocks(
    footer: Footer, groups: Iterable[int], columns: Sequence[str] | None
) -> Iterator[tuple[list[int], list[Any]]]:
    """(row groups, their (start, stop) ranges in the file), joined to blocks of at most 16 MB, or one row group.

    columns: those that are read, or None for all.
    """
    joined: list[int] = []
    pieces: list[tuple[int, int]] = []
    for group in groups:
        more = _pieces(footer.metadata.row_group(group), columns)
        together = _joined([*pieces, *more])
        if joined and sum(stop - start for start, stop in together) > _LONGEST:
            yield joined, _joined(pieces)
            joined, pieces = [], []
        joined.append(group)
        pieces += more
    if joined:
        yield joined, _joined(pieces)


def rows_of(
    path: Path,
    metadata: Any,
    groups: Iterable[int],
    first: Callable[[int], int],
    chosen: Callable[[int], bool] | None,
    columns: Sequence[str] | None,
) -> Iterator[tuple[int, Any]]:
    """(number, row) of row groups, in order; ends with a FileProblem if one cannot be read. first: number of a group's

    first row. chosen: whether to take a row, called once for each; groups without a taken row are not decoded.
    """
    import pyarrow.parquet as pq

    at = 0
    try:
        with pq.ParquetFile(path, metadata=metadata, buffer_size=_BUFFER, page_checksum_verification=True) as file:
            names = list(file.schema_arrow.names)
            wanted = names if columns is None else [name for name in columns if name in names]
            for group in groups:
                at = first(group)
                rows = metadata.row_group(group).num_rows
                mask = None if chosen is None else bytearray(chosen(number) for number in range(at, at + rows))
                if not wanted:
                    yield from ((at + n, {}) for n in range(rows) if mask is None or mask[n])
                elif mask is None or any(mask):
                    for number, row in rows_of_group(file, group, wanted, mask):
                        yield at + number, row
    except damages() as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk
        yield (
            at,
            FileProblem(
                "parquet",
                "a row group cannot be read",
                "Re-run the command. If it fails again, the file is damaged at its source.",
            ),
        )


def _range(remote: Remote, start: int, stop: int) -> bytes:
    parts: list[bytes] = []
    remote.read(start, stop, parts.append)
    return b"".join(parts)


def _parsed(remote: Remote, tail: bytes, size: int) -> Footer:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(pa.BufferReader(tail))
        columns = _columns(metadata)
    except damages():
        raise _not_parquet(remote) from None
    return Footer(metadata, columns, tail, size - len(tail))


def _columns(metadata: Any) -> dict[str, str]:
    return {field.name: type_text(field.type) for field in metadata.schema.to_arrow_schema()}


def _pieces(group: Any, columns: Sequence[str] | None) -> list[tuple[int, int]]:
    found = []
    for number in range(group.num_columns):
        column = group.column(number)
        if columns is None or any(column.path_in_schema.split(".")[0] == name.split(".")[0] for name in columns):
            offsets = [column.data_page_offset, column.dictionary_page_offset]
            start = min(offset for offset in offsets if offset is not None)
            found.append((start, start + column.total_compressed_size))
    return found


def _joined(pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, stop in sorted(pieces):
        if found and start <= found[-1][1] + _GAP:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _not_parquet(remote: Remote) -> HubError:
    return HubError(
        f"{remote.subject} is not a readable Parquet file",
        code="hub-not-parquet",
        remedy="Choose another revision, or report it to the authors of the data set.",
    )
