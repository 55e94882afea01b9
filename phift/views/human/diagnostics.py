"""Findings about what the user wrote, with the line they are about.

error: unknown key `learning_rat`
  --> configs/quickstart.yaml:34:5
   |
34 |     learning_rat: 0.008
   |     ^^^^^^^^^^^^
   = the parameters are the inputs of chat_completion_pipeline 0.0.82
   = Did you mean `learning_rate`?
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from pathlib import Path

from phift.diagnostics import Diagnostic, Mark, Severity
from phift.views.base import PLAIN, Style

__all__ = ["count_line", "one", "render"]

SOURCES = {".yaml", ".yml", ".lock"}
"""Only these are quoted. Rows of training data are not: they may be personal, and logs are kept."""

_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s:,\[\]{}#]+(?: [^\s:,\[\]{}#]+)*")


def render(diagnostics: Iterable[Diagnostic], *, style: Style = PLAIN) -> str:
    """All of them, a file's in the order of its lines, and the count."""
    found = list(diagnostics)
    first = {d.mark.file: n for n, d in reversed(list(enumerate(found))) if d.mark}
    ordered = sorted(
        enumerate(found),
        key=lambda pair: (
            (_place(pair[1].mark, first, pair[0]), pair[0]) if pair[1].mark else ((pair[0], 0, 0), pair[0])
        ),
    )
    parts = [one(d, style=style) for _, d in ordered]
    return "\n\n".join([*parts, count_line(found, style=style)])


def count_line(diagnostics: Iterable[Diagnostic], *, style: Style = PLAIN) -> str:
    """`2 errors, 1 warning`."""
    severities = [d.severity for d in diagnostics]
    counts = [(severities.count(s), s.value) for s in Severity]
    return style.bold(", ".join(f"{n} {word}{'s' if n != 1 else ''}" for n, word in counts if n) + ".")


def one(diagnostic: Diagnostic, *, style: Style = PLAIN) -> str:
    """One finding."""
    paint = style.red if diagnostic.severity is Severity.ERROR else style.yellow
    lines = [f"{style.bold(paint(diagnostic.severity.value + ':'))} {style.bold(diagnostic.summary)}"]
    mark = diagnostic.mark
    source = _source_line(mark)
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
    """Files in the order of their first finding, then line and column."""
    return (first[mark.file], mark.line, mark.column) if mark else (index, 0, 0)


def _source_line(mark: Mark | None) -> str | None:
    if mark is None or not mark.line or Path(mark.file).suffix not in SOURCES:
        return None
    try:
        lines = Path(mark.file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return lines[mark.line - 1] if mark.line <= len(lines) else None


def _pointed(source: str, column: int, width: int) -> tuple[str, str]:
    """The line, cut around the column where it is too long, and the carets under its word."""
    text = "".join(c if c.isprintable() else " " for c in source)
    start = max(column - 1, 0)
    word = _WORD.match(text, start)
    length = word.end() - start if word else 1
    if len(text) > width:
        shift = max(0, min(start - 8, len(text) - width + 3))
        text = ("..." if shift else "") + text[shift : shift + width - 6] + "..."
        start = start - shift + (3 if shift else 0)
        length = max(1, min(length, width - 3 - start))
    return text, " " * start + "^" * length if column else ""
