"""Plain values, numbers, times and tables for people."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from phift.clock import duration
from phift.concealing import is_concealed
from phift.inert import inert
from phift.kinds.words import number
from phift.plan.model import KNOWN_AFTER_APPLY
from phift.views.base import Style

__all__ = ["KNOWN_AFTER_APPLY", "SENSITIVE", "cut", "duration", "note", "number", "size", "table", "value"]

SENSITIVE = "(sensitive value)"
_MARKERS = {KNOWN_AFTER_APPLY, SENSITIVE, "(sensitive)"}


def value(data: Any) -> str:
    """Return the value on one line: strings quoted, numbers as written (0.008, 5e-06), markers bare."""
    if isinstance(data, str):
        return data if data in _MARKERS or is_concealed(data) else inert(json.dumps(data, ensure_ascii=False))
    if data is None:
        return "null"
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, float) and data.is_integer() and abs(data) < 1e15:
        return str(int(data))  # seconds come back as 300.0 where people write 300
    if isinstance(data, Mapping):
        return "{" + ", ".join(f"{inert(str(key))}: {value(item)}" for key, item in data.items()) + "}"
    if isinstance(data, Sequence):
        return "[" + ", ".join(value(item) for item in data) + "]"
    return repr(data)


def note(text: str, style: Style) -> str:
    """Return a remark as a paragraph that begins with `Note:`."""
    wrapped = textwrap.fill(
        inert(text),
        style.width,
        initial_indent="Note: ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapped.replace("Note:", style.cyan("Note:"), 1)


def cut(text: str, width: int) -> str:
    """Cut the text to `width` columns, ending in `...` if it was cut."""
    return text if len(text) <= width else text[: max(width - 3, 1)] + "..."


def size(amount: float) -> str:
    """Return a number of bytes in powers of 1024."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(amount) < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def table(rows: Iterable[Sequence[str]], *, indent: str = "", gap: str = "  ", width: int = 0) -> list[str]:
    """Return left-aligned columns. With a width, the last column wraps if it has enough room, and lines are cut.
    Empty without rows."""
    cells = [list(row) for row in rows]
    if not cells:
        return []
    columns = max(len(row) for row in cells)
    sizes = [max((len(row[n]) for row in cells if n < len(row)), default=0) for n in range(columns)]
    left = len(indent) + sum(sizes[:-1]) + len(gap) * (columns - 1)
    if width and width - left >= _NARROWEST:
        cells = [part for row in cells for part in _folded(row, columns, width - left)]
    lines = [indent + gap.join(text.ljust(sizes[n]) for n, text in enumerate(row)).rstrip() for row in cells]
    return [cut(line, width) for line in lines] if width else lines


_NARROWEST = 12  # minimum columns to wrap text into


def _folded(row: list[str], columns: int, width: int) -> Iterator[list[str]]:
    """Yield the row, and a row for each further line of its last column."""
    lines = textwrap.wrap(row[-1], width, break_on_hyphens=False) if len(row) == columns else []
    if not lines:
        yield row
        return
    yield [*row[:-1], lines[0]]
    yield from ([*[""] * (columns - 1), line] for line in lines[1:])
