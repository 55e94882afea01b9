"""Diagnostics about the user's files, with the line each is about.

error[parameter-unknown]: unknown parameter `learning_rat`
  --> configs/quickstart.yaml:34:5
   |
34 |     learning_rat: 0.008
   |     ^^^^^^^^^^^^
   = chat_completion_pipeline:0.0.82 decides which parameters there are.
   = did you mean learning_rate?

1 error. For details, run: phift explain parameter-unknown
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from phift.concealing import concealed_line
from phift.diagnostics import Diagnostic, Mark, Severity
from phift.files import SPEC_BYTES, read_regular, real
from phift.inert import inert
from phift.views.base import PLAIN, Style
from phift.views.harmless import harmless

__all__ = ["count_line", "head", "hint", "one", "render"]

SOURCES = {".yaml", ".yml", ".lock"}
"""Only these files are quoted. Rows of training data are not: they may be personal, and logs are kept."""

LONGEST_LINE = 2000
"""Maximum characters quoted of a line, cut around the position: longer lines are unreadable."""

_WORD = r"\"[^\"]*\"|'[^']*'|[^\s:,\[\]{}#]+(?: [^\s:,\[\]{}#]+)*"


def render(diagnostics: Iterable[Diagnostic], *, style: Style = PLAIN, explain: bool = False) -> str:
    """Return all diagnostics, sorted by file and line, and the count. explain: add how to show the explanation."""
    found = list(diagnostics)
    first = {d.mark.file: n for n, d in reversed(list(enumerate(found))) if d.mark}
    ordered = sorted(
        enumerate(found),
        key=lambda pair: (
            (_place(pair[1].mark, first, pair[0]), pair[0]) if pair[1].mark else ((pair[0], 0, 0), pair[0])
        ),
    )
    parts = [one(d, style=style) for _, d in ordered]
    counted = count_line(found, style=style)
    more = hint(found) if explain else ""
    fits = len(count_line(found)) + 1 + len(more) <= style.width
    return "\n\n".join([*parts, f"{counted}{' ' if fits else chr(10)}{more}" if more else counted])


def hint(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the hint to run `phift explain`, with the code if all share one; empty if none has a code."""
    codes = {d.code for d in diagnostics} - {"", "more", "data-more"}
    return f"For details, run: phift explain {codes.pop() if len(codes) == 1 else 'CODE'}" if codes else ""


def head(severity: str, code: str) -> str:
    """Return the start of a diagnostic: `error[size-not-allowed]:`."""
    return f"{severity}[{code}]:" if code else f"{severity}:"


def count_line(diagnostics: Iterable[Diagnostic], *, style: Style = PLAIN) -> str:
    """`2 errors, 1 warning`."""
    found = list(diagnostics)
    told = [d.severity for d in found if d.code != "more"]
    counts = [(told.count(s), s.value) for s in Severity]
    more = " and more" if len(told) < len(found) else ""
    return style.bold(", ".join(f"{n} {word}{'s' if n != 1 else ''}" for n, word in counts if n) + f"{more}.")


def one(diagnostic: Diagnostic, *, style: Style = PLAIN) -> str:
    """Return one diagnostic."""
    place = diagnostic.mark
    diagnostic = harmless(diagnostic)
    paint = style.red if diagnostic.severity is Severity.ERROR else style.yellow
    lines = [f"{style.bold(paint(head(diagnostic.severity.value, diagnostic.code)))} {style.bold(diagnostic.summary)}"]
    mark = diagnostic.mark
    source = _source_line(place)
    gutter = " " * len(str(mark.line)) if mark and source is not None else " "
    if mark:
        lines.append(f"{gutter}{style.cyan('-->')} {mark}")
    elif diagnostic.address or diagnostic.path:
        lines.append(f" {style.cyan('-->')} {diagnostic.address or diagnostic.path}")
    bar = style.cyan("|")
    if mark and source is not None:
        text, caret = _pointed(source, mark.column, style.width - len(gutter) - 3)
        lines += [f"{gutter} {bar}", f"{style.cyan(str(mark.line))} {bar} {text}"]
        lines.append(f"{gutter} {bar} {paint(caret)}" if caret else f"{gutter} {bar}")
    for said in (diagnostic.detail, diagnostic.remedy):
        lines += _paragraph(said, gutter, style)
    return "\n".join(lines)


def _paragraph(text: str, gutter: str, style: Style) -> list[str]:
    lines: list[str] = []
    for part in text.splitlines():
        wrapped = textwrap.wrap(
            part, max(style.width - len(gutter) - 3, 30), break_long_words=False, break_on_hyphens=False
        )
        lines += [f"{gutter} {style.cyan('=') if not lines else ' '} {line}" for line in wrapped[:1]]
        lines += [f"{gutter}   {line}" for line in wrapped[1:]]
    return lines


def _place(mark: Mark | None, first: dict[str, int], index: int) -> tuple[int, int, int]:
    """Sort by file, in the order of their first diagnostic, then by line and column."""
    return (first[mark.file], mark.line, mark.column) if mark else (index, 0, 0)


def _source_line(mark: Mark | None) -> str | None:
    """Return the line with secrets masked; None if it must not be quoted."""
    if mark is None or not mark.line or Path(mark.file).suffix not in SOURCES:
        return None
    try:
        status = os.stat(mark.file)
        lines = _lines_of(mark.file, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return None
    line = lines[mark.line - 1] if mark.line <= len(lines) else None
    return None if line is None or len(line) > LONGEST_LINE else concealed_line(line)


@lru_cache(maxsize=4)
def _lines_of(file: str, modified: int, size: int) -> list[str]:
    """Return the lines of a file, if it is still the same file. Raises OSError, and ValueError if it is not UTF-8."""
    if real(file).suffix not in SOURCES:
        return []  # a link to something else
    return read_regular(file, SPEC_BYTES).decode().splitlines()


def _pointed(source: str, column: int, width: int) -> tuple[str, str]:
    """Return the line, cut around the column if too long, and the carets below the word."""
    text = "".join(c if c == inert(c) else " " for c in source)
    start = max(column - 1, 0)
    word = re.compile(_WORD).match(text, start)
    length = word.end() - start if word else 1
    if len(text) > width:
        shift = max(0, min(start - 8, len(text) - width + 3))
        text = ("..." if shift else "") + text[shift : shift + width - 6] + "..."
        start = start - shift + (3 if shift else 0)
        length = max(1, min(length, width - 3 - start))
    return text, " " * start + "^" * length if column else ""
