"""What is said about what the user wrote: a severity, one line, where, why and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Diagnostic", "Mark", "Severity", "errors_of"]


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file: line and column count from 1; column 0 means the whole line."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True)
class Diagnostic:
    """One finding.

    summary: one line. detail: why. remedy: what to do next. mark: where in a file.
    path: the field, dotted (`compute.finetune.size`). address: the resource (`compute.finetune`).
    code: a stable short name of the check that found it, for scripts.
    """

    summary: str
    severity: Severity = Severity.ERROR
    detail: str = ""
    remedy: str = ""
    mark: Mark | None = None
    path: str = ""
    address: str = ""
    code: str = ""


def errors_of(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those of severity error, in order."""
    return [d for d in diagnostics if d.severity is Severity.ERROR]
