"""Readers, one per format: generators over the rows that a selector takes, in constant memory.

A reader yields (line, row): the line in the file, from 1, where the row starts (for Parquet, the row number), and the
parsed row or a Problem. It counts rows through the `Counter`, parses only taken rows, and ends with a FileProblem if
the rest of the file cannot be trusted.
"""

import io
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from phift.data import limits
from phift.data.csv_rows import header_in, records
from phift.data.foreign import foreign
from phift.data.json_array import UNREADABLE, read_array
from phift.data.parquet import damages, rows_of_group
from phift.data.problems import FileProblem, Problem, named
from phift.data.streams import BUFFER, UnreadableError, is_short, opened
from phift.data.take import Picked

__all__ = ["Counter", "count_rows", "header_of", "numbered", "read"]

_BOM = b"\xef\xbb\xbf"
_decode = json.JSONDecoder().decode
_UTF8 = "Save it as UTF-8."
_WRAPPERS = ("data", "rows", "train", "examples", "instances", "items", "records", "samples", "entries")
_ABOUT = {"version", "name", "description", "license", "licence", "info", "metadata", "meta", "count", "total", "split"}
"""Other keys in a file of nested rows."""

Rows = Iterator[tuple[int, Any]]


class Counter:
    """Numbers the rows of a source over all its files, and decides which are taken."""

    def __init__(self, picked: Picked = Picked()) -> None:  # noqa: B008 - frozen
        self.rows = 0
        self._groups = 0
        self._picked = picked

    def __call__(self) -> bool:
        """Count one more row; return whether it is taken."""
        number = self.rows
        self.rows = number + 1
        if self._picked.first is not None:
            return number < self._picked.first
        return self._picked.row is None or self._picked.row(number)

    def group(self, rows: int) -> bytearray:
        """Count one more Parquet row group; return which of its rows are taken."""
        number = self._groups
        self._groups = number + 1
        if self._picked.block is None:
            return bytearray(self() for _ in range(rows))
        self.rows += rows
        return bytearray([self._picked.block(number)]) * rows


def header_of(path: Path, kind: str) -> tuple[str, ...] | None:
    """Return the names in the first line of a CSV file, or None if unreadable. Raises OSError."""
    base, _, codec = kind.partition(".")
    try:
        with opened(path, codec) as stream:
            if isinstance(_start(stream, base), Problem):
                return None
            with io.TextIOWrapper(stream, "utf-8", newline="") as text:
                return header_in(text, base, short=is_short(stream, codec))
    except (UnreadableError, UnicodeDecodeError):
        return None


def numbered(kind: str) -> bool:
    """Return whether rows of the format are located by number rather than by line."""
    return kind.partition(".")[0] in ("json", "parquet")


def count_rows(path: Path, kind: str) -> int:
    """Count the rows of a file, without blank lines and unreadable rows. Raises OSError."""
    counter = Counter(Picked(row=lambda number: False))
    for _ in read(path, kind, counter, None):  # its problems are reported when the rows are read
        pass
    return counter.rows


def read(path: Path, kind: str, taken: Counter, columns: tuple[str, ...] | None) -> Rows:
    """Yield the taken rows of one file. kind: a value of sources.FORMATS. columns: those to read, or None for all.

    Raises OSError if the file cannot be read.
    """
    base, _, codec = kind.partition(".")
    if base == "parquet":
        yield from _read_parquet(path, taken, columns)
        return
    try:
        with opened(path, codec) as stream:
            head = _start(stream, base)
            if isinstance(head, Problem):
                yield 1, head
            elif base == "jsonl" or (base == "json" and head != b"["):
                yield from _lines(stream, taken, base, short=is_short(stream, codec))
            else:
                yield from _texts(path, stream, base, codec, taken, columns)
    except UnreadableError as error:
        yield 0, error.problem


def _start(stream: io.BufferedReader, kind: str) -> bytes | FileProblem:
    """Skip a byte order mark; return the first byte that is not white space, b"" if there is none, or a problem."""
    head = stream.peek(BUFFER)
    if problem := foreign(head, kind):
        return problem
    if head.startswith(_BOM):
        stream.read(len(_BOM))
        head = head[len(_BOM) :]
    head = head.lstrip()
    first = head[:1]
    if kind == "jsonl" and first == b"[":
        remedy = "The file looks like a JSON array: rename it to .json."
        if re.match(rb"\[[^\n]*\]\s*\n\s*\[", head):
            remedy = 'Each line is a list: write an object, such as {"messages": [...]}.'
        return FileProblem("array", "not JSON Lines: the file starts with `[`", remedy)
    return first


def _texts(
    path: Path,
    stream: io.BufferedReader,
    kind: str,
    codec: str,
    taken: Counter,
    columns: tuple[str, ...] | None,
) -> Rows:
    short = is_short(stream, codec)
    # The CSV reader needs line ends; an array does not, and is read faster without newline translation.
    with io.TextIOWrapper(stream, "utf-8", newline="\n" if kind == "json" else "") as text:
        try:
            if kind == "json":
                yield from read_array(text, taken)
            else:
                for line, row in records(text, kind, taken, columns, short=short):
                    yield line, row if columns is None else _with_messages(row)
        except UnicodeDecodeError:
            yield _first_undecodable(path, codec)


def _lines(stream: io.BufferedReader, taken: Counter, kind: str, *, short: bool) -> Rows:
    # A binary stream ends lines at line feeds only, so U+2028 and similar characters in a text do not split it.
    longest = limits.LONGEST
    lines: Iterator[bytes] = iter(stream) if short else iter(partial(stream.readline, longest + 1), b"")
    nested: tuple[int, Any] | None = None
    first = True
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        if len(line) > longest:
            summary = f"the line has more than {longest} characters"
            yield number, FileProblem("long", summary, "Write one row per line; a row is one conversation.")
            return
        if nested:
            yield nested
            nested = None
        if taken():
            row = _parsed(line, number)
            if first and line.strip() == b"{":
                yield number, _spread(kind)
                return
            if first and isinstance(row, dict) and _wrapper(row):
                nested = number, row
            else:
                yield number, row
        first = False
    if nested:
        key = _wrapper(nested[1])
        summary = f"the rows are in `{key}` of a single object"
        yield nested[0], FileProblem("nested", summary, _written_out(f".{key}[]"))


def _spread(kind: str) -> FileProblem:
    if kind == "json":
        summary = "the file is a single multi-line object, not an array of rows"
        return FileProblem("nested", summary, f"If it contains the rows: {_written_out('.data[]')}")
    summary = "an object spans several lines; JSON Lines requires one object per line"
    return FileProblem("json", summary, _written_out("."))


def _written_out(path: str) -> str:
    return f"Write one row per line, for example with `jq -c '{path}'`."


def _wrapper(row: dict[str, Any]) -> str:
    """Return the key of a single object that contains all rows; empty if there is none."""
    for key in _WRAPPERS:
        held = row.get(key)
        if isinstance(held, list) and held and isinstance(held[0], dict) and set(row) - {key} <= _ABOUT:
            return key
    return ""


def _parsed(line: bytes, number: int) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass  # the standard library's parser has better messages, and accepts a few more forms than orjson
    if b"\0" in line:
        remedy = "Writing the file was interrupted, or it is not text: write it again."
        return Problem("nul", "the line contains NUL bytes", remedy, column=line.index(b"\0") + 1)
    try:
        return _decode(line.decode().rstrip())  # a line feed would count as a line
    except UnicodeDecodeError as error:
        return _undecodable(error)
    except json.JSONDecodeError as error:
        return Problem("json", f"not JSON: {_reason(error)}", "Each line must be one JSON object.", column=error.colno)
    except (RecursionError, ValueError):
        return Problem("json", f"unreadable JSON: {UNREADABLE}")


def _undecodable(error: UnicodeDecodeError) -> Problem:
    return Problem("encoding", "not UTF-8 text", _UTF8, column=error.start + 1)


def _first_undecodable(path: Path, codec: str) -> tuple[int, Problem]:
    """Find the position that the decoder of large chunks could not determine."""
    with opened(path, codec) as stream:
        for number, line in enumerate(iter(partial(stream.readline, limits.LONGEST + 1), b""), 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return number, FileProblem("encoding", "not UTF-8 text", _UTF8, column=error.start + 1)
    return 0, FileProblem("encoding", "not UTF-8 text at the end of the file", _UTF8)


def _reason(error: json.JSONDecodeError) -> str:
    return error.msg[:1].lower() + error.msg[1:]


def _with_messages(row: Any) -> Any:
    """Return `row` with `messages` parsed, if the format can store it only as text."""
    text = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(text, str):
        return row
    try:
        row["messages"] = orjson.loads(text)
        return row
    except orjson.JSONDecodeError:
        pass  # see above
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
    import pyarrow.parquet as pq

    with path.open("rb") as stream:
        problem = foreign(stream.read(BUFFER), "parquet")
    if problem:
        yield 0, problem
        return
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER) as file:
            names = list(file.schema_arrow.names)
            if columns is not None and "messages" in columns and "messages" not in names:
                summary = f"no column `messages`; columns: {named(names)}"
                yield 0, FileProblem("missing-key", summary, "Map its columns with `data.messages`.")
                return
            wanted = names if columns is None else [name for name in columns if name in names]
            first = 1
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                mask = taken.group(rows)
                if any(mask):
                    for number, row in rows_of_group(file, group, wanted, mask):
                        yield first + number, row if columns is None else _with_messages(row)
                first += rows
    except damages() as error:
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        yield 0, FileProblem("parquet", f"not a readable Parquet file{why}", "Write the file again.")
