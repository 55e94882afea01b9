"""Readers: one a format, each a generator over the rows that a selector takes. Memory stays flat.

A reader yields (line, row): the line in the file, from 1, where the row starts (for Parquet the row's number), and
the row as parsed, or a Problem in its place. It counts rows through the `Counter`, parses only those taken, and ends
early where nothing after a problem can be trusted.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from phift.data.json_array import LONGEST, UNREADABLE, read_array
from phift.data.problems import Problem, named
from phift.data.take import Picked

__all__ = ["Counter", "count_rows", "header_of", "read"]

_BUFFER = 1 << 20  # bytes; the default of 8 KiB is about one row
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_decode = json.JSONDecoder().decode

Rows = Iterator[tuple[int, Any]]


class Counter:
    """Numbers the rows of a source, over all its files, and says of each whether it is taken."""

    def __init__(self, picked: Picked = Picked()) -> None:  # noqa: B008 - frozen
        self.rows = 0
        self._groups = 0
        self._picked = picked

    def __call__(self) -> bool:
        """Count one more row; is it taken?"""
        number = self.rows
        self.rows = number + 1
        if self._picked.first is not None:
            return number < self._picked.first
        return self._picked.row is None or self._picked.row(number)

    def group(self, rows: int) -> bytearray:
        """Count one more row group of Parquet; which of its rows are taken?"""
        number = self._groups
        self._groups = number + 1
        if self._picked.block is None:
            return bytearray(self() for _ in range(rows))
        self.rows += rows
        return bytearray([self._picked.block(number)]) * rows


def header_of(path: Path, kind: str) -> tuple[str, ...] | None:
    """The names in the first line of a CSV file; None where it cannot be read. Raises OSError."""
    csv.field_size_limit(LONGEST)
    with path.open("rb", _BUFFER) as stream:
        if isinstance(_start(stream), Problem):
            return None
        with io.TextIOWrapper(stream, "utf-8", newline="") as text:
            try:
                return tuple(next(csv.reader(text, strict=True), ()))
            except (UnicodeDecodeError, csv.Error):
                return None


def count_rows(path: Path, kind: str) -> int:
    """The rows of a file, blank lines and what cannot be read apart. Raises OSError."""
    counter = Counter(Picked(row=lambda number: False))
    for _ in _READERS[kind](path, counter, None):  # its problems come again when rows are read
        pass
    return counter.rows


def read(path: Path, kind: str, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    """The taken rows of one file. columns: those of use (others need not be read), or None for all.

    Raises OSError when the file cannot be read.
    """
    return _READERS[kind](path, taken, columns)


def _read_jsonl(path: Path, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    with path.open("rb", _BUFFER) as stream:
        head = _start(stream)
        if isinstance(head, Problem):
            yield 1, head
            return
        yield from _lines(stream, taken)


def _read_json(path: Path, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    """An array of rows; or, as is common under this suffix, JSON Lines."""
    with path.open("rb", _BUFFER) as stream:
        head = _start(stream)
        if isinstance(head, Problem):
            yield 1, head
        elif head == b"[":
            with io.TextIOWrapper(stream, "utf-8", newline="") as text:
                try:
                    yield from read_array(text, taken)
                except UnicodeDecodeError:
                    yield _first_undecodable(path)
        else:
            yield from _lines(stream, taken)


def _start(stream: BinaryIO) -> bytes | Problem:
    """Skip a byte order mark; the first byte that is no white space, b"" at the end, or what is wrong."""
    head = stream.read(4)
    if head[:2] in _UTF16:
        return Problem("encoding", "the file is UTF-16", "Save it as UTF-8.")
    start = len(_BOM) if head.startswith(_BOM) else 0
    stream.seek(start)
    first = b" "
    while first.isspace():
        first = stream.read(1)
    stream.seek(start)
    return first


def _lines(stream: BinaryIO, taken: Counter) -> Rows:
    # A binary stream ends lines at line feeds only, so U+2028 and its like inside a text split nothing.
    for number, line in enumerate(_bounded(stream, stream), 1):
        if line.isspace():
            continue
        if len(line) > LONGEST:
            yield number, _too_long("the line")
            return
        if taken():
            yield number, _parsed(line, number)


def _bounded(lines: Any, stream: BinaryIO) -> Iterator[Any]:
    """The lines of a file; of one that is too long, a piece that tells so. A short file needs no such care."""
    if os.fstat(stream.fileno()).st_size <= LONGEST:
        return iter(lines)
    return iter(partial(lines.readline, LONGEST + 1), b"" if lines is stream else "")


def _too_long(what: str) -> Problem:
    return Problem("long", f"{what} has more than {LONGEST} characters", "A row is a line of JSON, or a record of CSV.")


def _parsed(line: bytes, number: int) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass  # the standard library's parser finds better words, and takes a few things that orjson does not
    try:
        return _decode(line.decode().rstrip())  # a line feed would count as another line
    except UnicodeDecodeError as error:
        return _undecodable(error)
    except json.JSONDecodeError as error:
        remedy = "Each line must be one JSON object."
        if number == 1 and line.lstrip().startswith(b"["):
            remedy = "The file looks like a JSON array: give it the suffix .json."
        return Problem("json", f"not JSON: {_reason(error)}", remedy, column=error.colno)
    except (RecursionError, ValueError):
        return Problem("json", f"not JSON that can be read: {UNREADABLE}")


def _undecodable(error: UnicodeDecodeError) -> Problem:
    return Problem("encoding", "not UTF-8 text", "Save it as UTF-8.", column=error.start + 1)


def _first_undecodable(path: Path) -> tuple[int, Problem]:
    """The place that a decoder of large pieces could not name."""
    with path.open("rb", _BUFFER) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return number, _undecodable(error)
    return 0, Problem("encoding", "not UTF-8 text at its end", "Save it as UTF-8.")


def _reason(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:]


def _read_csv(path: Path, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    csv.field_size_limit(LONGEST)  # a conversation may be longer than the module's 128 KiB
    with path.open("rb", _BUFFER) as stream:
        head = _start(stream)
        if isinstance(head, Problem):
            yield 1, head
            return
        with io.TextIOWrapper(stream, "utf-8", newline="") as text:
            try:
                yield from _records(csv.reader(_bounded(text, stream), strict=True), taken, columns)
            except UnicodeDecodeError:
                yield _first_undecodable(path)


def _records(reader: Any, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    line = 1
    try:
        header: list[str] = next(reader, [])
        missing = _missing(header, columns)
        if missing:
            yield 1, missing
            return
        line = reader.line_num + 1
        for cells in reader:
            if cells and taken():
                yield line, _from_cells(header, cells, columns)
            line = reader.line_num + 1
    except csv.Error as error:
        yield line, Problem("csv", f"not CSV: {error}", 'Quote texts with ", and write " inside them as "".')


def _missing(header: list[str], columns: tuple[str, ...] | None) -> Problem | None:
    if "messages" in (columns or ()) and "messages" not in header:
        return Problem(
            "missing-key", f"no column `messages`; columns here: {named(header)}", "The first line names the columns."
        )
    return None


def _from_cells(header: list[str], cells: list[str], columns: tuple[str, ...] | None) -> Any:
    if len(cells) != len(header):
        return Problem("csv", f"{len(cells)} cells, but the first line names {len(header)} columns")
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    if "messages" not in (columns or ()):
        return row
    for key in ("prompt", "prompt_id"):
        if row.get(key) == "":  # CSV cannot say null
            row[key] = None
    return _with_messages(row)


def _with_messages(row: dict[str, Any]) -> Any:
    """`row` with `messages` parsed, where the format could hold it only as text."""
    text = row.get("messages")
    if not isinstance(text, str):
        return row
    try:
        row["messages"] = _decode(text)
    except (RecursionError, ValueError) as error:
        reason = _reason(error) if isinstance(error, json.JSONDecodeError) else UNREADABLE
        return Problem(
            "json",
            f"`messages` is not JSON: {reason}",
            'Write [{"role": ..., "content": ...}, ...] with double quotes.',
        )
    return row


def _read_parquet(path: Path, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER) as file:
            names = list(file.schema_arrow.names)
            missing = _missing(names, columns)
            if missing:
                yield 0, missing
                return
            wanted = names if columns is None else [name for name in columns if name in names]
            first = 1
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                mask = taken.group(rows)
                if any(mask):
                    for number, row in _from_group(file, group, wanted, mask, first):
                        yield number, row if columns is None else _with_messages(row)
                first += rows
    except (pa.ArrowException, OSError, ValueError) as error:
        # A damaged page is an OSError to pyarrow, and a damaged text a UnicodeDecodeError.
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        yield 0, Problem("parquet", f"not a Parquet file that can be read{why}", "Write it again.")


def _from_group(file: Any, group: int, columns: list[str], mask: bytearray, first: int) -> Rows:
    at = 0
    for batch in file.iter_batches(batch_size=512, row_groups=[group], columns=columns):
        size = batch.num_rows
        chosen = [n for n in range(size) if mask[at + n]]
        part = batch if len(chosen) == size else batch.take(chosen)
        for n, row in zip(chosen, part.to_pylist(), strict=True):
            yield first + at + n, row
        at += size


_READERS: dict[str, Callable[[Path, Counter, tuple[str, ...] | None], Rows]] = {
    "jsonl": _read_jsonl,
    "json": _read_json,
    "csv": _read_csv,
    "parquet": _read_parquet,
}
