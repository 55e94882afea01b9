"""Diagnostics about the user's files: severity, summary, position, cause and remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["LISTED", "Diagnostic", "Mark", "Severity", "capped", "errors_of", "nearest", "nearest_file"]

LISTED = 50
"""Maximum number of diagnostics to list per severity; the others are counted."""

_LONGEST_WORD = 100
_MOST_WORDS = 300


class Severity(StrEnum):
    """Whether a command can continue: an error rejects the plan, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Mark(NamedTuple):
    """A position in a file: line and column start at 1; column 0 means the whole line."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True)
class Diagnostic:
    """A diagnostic.

    summary: one line. detail: why. remedy: what to do. mark: the position in a file.
    path: the field, dotted (`compute.finetune.size`). address: the resource (`compute.finetune`).
    code: a stable short name of the check, in kebab-case, for scripts and for `phift explain`; defined in
    phift/explain/*.yaml.
    """

    summary: str
    severity: Severity = Severity.ERROR
    detail: str = ""
    remedy: str = ""
    mark: Mark | None = None
    path: str = ""
    address: str = ""
    code: str = field(kw_only=True)

    def plain(self) -> dict[str, Any]:
        """Plain values by field, as JSON has them."""
        mark = self.mark._asdict() if self.mark else None
        return {**asdict(self), "severity": self.severity.value, "mark": mark}


def errors_of(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics of severity error, in order."""
    return [d for d in diagnostics if d.severity is Severity.ERROR]


def capped(found: Sequence[Diagnostic]) -> list[Diagnostic]:
    """Return the first LISTED errors and a diagnostic with the number of others, then the same for warnings."""
    kept: list[Diagnostic] = []
    for severity in Severity:
        of_it = [d for d in found if d.severity is severity]
        kept += of_it[:LISTED]
        if (more := len(of_it) - LISTED) > 0:
            summary = f"{more} more {severity.value}s like these" if more > 1 else f"one more {severity.value}"
            kept.append(Diagnostic(summary, severity, mark=of_it[LISTED].mark, code="more"))
    return kept


def nearest(word: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """Return the known word most similar to a misspelled one; empty if there is none, or the search would be slow."""
    if len(word) > _LONGEST_WORD or len(known) > _MOST_WORDS:
        return ""
    from difflib import get_close_matches  # only needed for a misspelled word

    return next(iter(get_close_matches(word, known, n=1, cutoff=cutoff)), "")


def nearest_file(name: str, known: Iterable[str]) -> str:
    """Return the known file name most similar to a misspelled one, compared without their extensions, which make
    different names look alike; empty if there is none."""
    by_stem = {one.rpartition(".")[0] or one: one for one in sorted(known)}
    return by_stem.get(nearest(name.rpartition(".")[0] or name, by_stem), "")
