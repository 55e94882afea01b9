"""The table of `phift preflight`: as text, as JSON, and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from phift.diagnostics import Diagnostic, Severity
from phift.views.base import PLAIN, Style
from phift.views.harmless import harmless
from phift.views.human.diagnostics import head
from phift.views.json import diagnostics, document
from phift.views.markdown_text import code, escaped

if TYPE_CHECKING:
    from phift.phases.run_preflight import Preflight, Row

__all__ = ["json", "markdown", "text"]

_PAINT = {
    "ok": Style.green,
    "waived": Style.cyan,
    "warning": Style.yellow,
    "not known": Style.yellow,
    "error": Style.red,
}
_COUNTED = {"warning", "error"}
"""Verdicts that have a plural."""
_WORDS = 10
"""Columns of the verdict."""


def text(found: Preflight, *, style: Style = PLAIN) -> str:
    """Return a line for each check, with its findings below, and the count."""
    lines = [f"Stack {style.bold(found.stack)} on target {found.target} ({found.workspace})", ""]
    names = max(len(row.check) for row in found.rows) + 2
    for row in found.rows:
        verdict = _PAINT[row.verdict](style, f"{row.verdict:<{_WORDS}}")
        below = " " * (_WORDS + names)
        told = textwrap.wrap(f"{_sentence(row)}", max(style.width - len(below), 30), break_on_hyphens=False)
        lines.append(f"{verdict}{row.check:<{names}}{told[0] if told else ''}".rstrip())
        lines += [below + line for line in told[1:]]
        lines += list(_findings(row, style))
    return "\n".join([*lines, "", style.bold(_count(found))])


def _sentence(row: Row) -> str:
    return f"{row.reads} ({row.source})" if row.source else row.reads


def _findings(row: Row, style: Style) -> Iterator[str]:
    indent = " " * _WORDS
    for given in row.findings:
        finding = harmless(given)
        paint = style.red if finding.severity is Severity.ERROR else style.yellow
        yield from _wrapped(
            f"{head(finding.severity.value, finding.code)} {finding.summary}{_where(finding)}", indent, style, paint
        )
        for said in filter(None, (finding.detail, finding.remedy)):
            yield from _wrapped(f"= {said}", f"{indent}  ", style)
    for waived in row.waived:
        yield from _wrapped(waived.note, indent, style)


def _where(finding: Diagnostic) -> str:
    return f" ({finding.mark})" if finding.mark else ""


def _wrapped(said: str, indent: str, style: Style, paint: object = None) -> Iterator[str]:
    wide = max(style.width - len(indent), 30)
    for line in textwrap.wrap(said, wide, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False):
        yield indent + (paint(line) if callable(paint) else line)


def _count(found: Preflight) -> str:
    counted = [(found.count(v), v.value) for v in type(found.rows[0].verdict)] if found.rows else []
    listed = ", ".join(f"{n} {word}{'s' if word in _COUNTED and n != 1 else ''}" for n, word in counted if n)
    strict = " Warnings count as errors (--strict)." if found.strict else ""
    return f"{len(found.rows)} checks: {listed}.{strict}"


def json(found: Preflight) -> str:
    """Return the table, each check with its diagnostics."""
    return document(
        {
            "format_version": "1.0",
            "stack": found.stack,
            "target": found.target,
            "workspace": found.workspace,
            "strict": found.strict,
            "passed": not found.exit_code,
            "checks": [
                {
                    "check": row.check,
                    "verdict": row.verdict.value,
                    "reads": row.reads,
                    "source": row.source,
                    "findings": diagnostics(row.findings),
                    "waived": [{"diagnostic": w.finding.plain(), "reason": w.reason} for w in row.waived],
                }
                for row in found.rows
            ],
        }
    )


def markdown(found: Preflight) -> str:
    """Return the table for a pull request. The remedy is in the last column."""
    lines = [
        f"### phift preflight: {code(found.stack)} on {code(found.target)}",
        "",
        f"**{_count(found)}**",
        "",
        "| check | verdict | read | from | finding and remedy |",
        "|---|---|---|---|---|",
    ]
    for row in found.rows:
        told = [_one(harmless(finding)) for finding in row.findings] + [w.note for w in row.waived]
        cells = (row.reads, row.source, " ".join(told))
        said = " | ".join(escaped(" ".join(cell.split()), cell=True) for cell in cells)
        lines.append(f"| {code(row.check, cell=True)} | {row.verdict} | {said} |")
    return "\n".join(lines)


def _one(finding: Diagnostic) -> str:
    return " ".join(p for p in (f"{finding.summary}{_where(finding)}.", finding.detail, finding.remedy) if p)
