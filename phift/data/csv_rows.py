"""Read rows of CSV and TSV. Cells are text; `messages` contains JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from phift.data import limits
from phift.data.problems import FileProblem, Problem, named

__all__ = ["header_in", "records"]

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_OTHERS = {
    ";": ("semicolons", "Save it with commas."),
    "\t": ("tabs", "Give it the suffix .tsv."),
    "|": ("vertical bars", "Save it with commas."),
    ",": ("commas", "Give it the suffix .csv."),
}


def header_in(text: io.TextIOWrapper, kind: str, *, short: bool) -> tuple[str, ...] | None:
    """Return the names in the first line, or None if it cannot be read. Raises UnicodeDecodeError."""
    try:
        header: list[str] = next(_reader(text, kind, short), [])
    except csv.Error:
        return None
    return None if _unfit_header(header, kind, ()) else tuple(header)


def records(
    text: io.TextIOWrapper, kind: str, taken: Callable[[], bool], columns: tuple[str, ...] | None, *, short: bool
) -> Iterator[tuple[int, Any]]:
    """Yield (line, row) of the taken records. columns: those to read, or None for all. short: no line can exceed the
    limit. Raises UnicodeDecodeError like reading `text`."""
    reader = _reader(text, kind, short)
    line = 1
    try:
        header: list[str] = next(reader, [])
        unfit = _unfit_header(header, kind, columns)
        if unfit:
            yield 1, unfit
            return
        line = reader.line_num + 1
        for cells in reader:
            if cells and taken():
                yield line, _from_cells(header, cells, columns)
            line = reader.line_num + 1
    except csv.Error as error:
        summary = f"not {kind.upper()}: {error}"
        yield line, FileProblem("csv", summary, 'Quote texts with ", and write " inside them as "".')


def _reader(text: io.TextIOWrapper, kind: str, short: bool) -> Any:
    csv.field_size_limit(limits.LONGEST)  # a conversation may be longer than the module's 128 KiB
    lines: Any = text if short else iter(partial(text.readline, limits.LONGEST + 1), "")
    return csv.reader(lines, strict=True, delimiter=_DELIMITERS[kind])


def _unfit_header(header: list[str], kind: str, columns: tuple[str, ...] | None) -> FileProblem | None:
    """columns: those to read, () for none."""
    for delimiter, (name, remedy) in _OTHERS.items():
        if len(header) == 1 and delimiter in header[0] and delimiter != _DELIMITERS[kind]:
            return FileProblem("delimiter", f"columns are separated by {name}", remedy)
    twice = [name for name, count in Counter(header).items() if count > 1 and (columns is None or name in columns)]
    if twice := [name for name in twice if name]:
        return FileProblem(
            "duplicate-column",
            f"duplicate column names in the first line: {named(twice)}",
            "Rename or remove one of them.",
        )
    if columns and "messages" in columns and "messages" not in header:
        summary = f"no column `messages`; columns: {named(header)}"
        return FileProblem("missing-key", summary, "The first line must contain the column names.")
    return None


def _from_cells(header: list[str], cells: list[str], columns: tuple[str, ...] | None) -> Any:
    if len(cells) != len(header):
        summary = f"{len(cells)} cells, but {len(header)} columns in the first line"
        return Problem("csv", summary, "Quote cells that contain the separator or a line break.")
    row: dict[str, Any] = dict(zip(header, cells, strict=True))
    if columns is not None and "messages" in columns:
        for key in ("prompt", "prompt_id"):
            if row.get(key) == "":  # CSV has no null
                row[key] = None
    return row
