"""Diagnostics and errors as one flat value, for formats of other tools: GitHub's annotations and SARIF."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from phift.diagnostics import Diagnostic, Severity
from phift.errors import DiagnosticsError, PhiftError
from phift.views.harmless import harmless

__all__ = ["Finding", "of_diagnostics", "of_error"]


class Finding(NamedTuple):
    """error: otherwise a warning. rule: the code of the diagnostic, or the class of another error. file: "" without a
    position. line, column: from 1; 0 if unknown. where: the resource or field, if there is one."""

    error: bool
    rule: str
    summary: str
    more: str
    file: str = ""
    line: int = 0
    column: int = 0
    where: str = ""

    @property
    def message(self) -> str:
        """The summary, the reason and the remedy, on a line each."""
        return "\n".join(part for part in (self.summary, self.more) if part)


def of_diagnostics(found: Iterable[Diagnostic]) -> list[Finding]:
    """Return the diagnostics in their order, once each."""
    return [_of(harmless(one)) for one in dict.fromkeys(found)]


def of_error(error: BaseException) -> list[Finding]:
    """Return the diagnostics of an error, or the error itself."""
    if isinstance(error, DiagnosticsError) and error.diagnostics:
        return of_diagnostics(error.diagnostics)
    if not isinstance(error, PhiftError):
        return [Finding(True, type(error).__name__, str(error) or type(error).__name__, "")]
    safe = [harmless(text) for text in (error.summary, error.detail, error.remedy, error.address)]
    more = "\n".join(text for text in safe[1:3] if text)
    return [Finding(True, error.code or type(error).__name__, safe[0], more, where=safe[3])]


def _of(one: Diagnostic) -> Finding:
    mark = one.mark
    return Finding(
        error=one.severity is Severity.ERROR,
        rule=one.code,
        summary=one.summary,
        more="\n".join(text for text in (one.detail, one.remedy) if text),
        file=mark.file if mark else "",
        line=mark.line if mark else 0,
        column=mark.column if mark and mark.line else 0,
        where=one.address or one.path,
    )
