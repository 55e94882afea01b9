"""What is wrong with data: problems of single rows, gathered into a list of diagnostics of bearable length."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from phift.concealing import looks_secret
from phift.diagnostics import Diagnostic, Mark
from phift.errors import InvalidSpecError

__all__ = ["LISTED", "Findings", "Problem", "Skipped", "named"]

LISTED = 20  # problems shown one by one; the rest is a count

_NAMES = 8
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a row, or with a file. code: a stable short name; column: from 1, or 0."""

    code: str
    summary: str
    remedy: str = ""
    column: int = 0


@dataclass(frozen=True)
class Skipped(Problem):
    """A row that the spec leaves out by a rule, without calling it wrong."""


def named(names: Iterable[object]) -> str:
    """The names of columns or keys, for a message: the first few that are identifiers.

    All else in a file of data is content. It is quoted nowhere: logs are kept, and the file may be none of data at all.
    """
    known = list(names)
    fit = [n for n in known if isinstance(n, str) and _IDENTIFIER.fullmatch(n) and not looks_secret(n)]
    told = ", ".join(f"`{name}`" for name in fit[:_NAMES])
    if (others := len(known) - len(fit)) and len(fit) <= _NAMES:
        return f"{told + ' and ' if told else ''}{others} whose name is not an identifier"
    return told or "none"


class Findings:
    """The problems found so far: the first `LISTED` in full, the others counted."""

    def __init__(self) -> None:
        self._listed: list[Diagnostic] = []
        self._unlisted: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._listed)

    def add(self, problem: Problem, file: str, line: int = 0) -> None:
        """Note a problem at `line` (from 1; 0: the whole file) of `file`."""
        if len(self._listed) == LISTED:
            self._unlisted[problem.code] += 1
            return
        mark = Mark(file, line, problem.column)
        self._listed.append(Diagnostic(problem.summary, remedy=problem.remedy, mark=mark, code=f"data-{problem.code}"))

    def raise_if_any(self) -> None:
        """Raises InvalidSpecError with all findings, the uncounted as one last diagnostic; or does nothing."""
        if not self._listed:
            return
        diagnostics = list(self._listed)
        total = len(diagnostics) + self._unlisted.total()
        if self._unlisted:
            kinds = ", ".join(f"{count} x {code}" for code, count in sorted(self._unlisted.items()))
            diagnostics.append(
                Diagnostic(f"{self._unlisted.total()} more problems like these", detail=kinds, code="data-more")
            )
        noun = "problem" if total == 1 else "problems"
        raise InvalidSpecError(diagnostics, f"{total} {noun} in the data")
