"""Problems of single rows, aggregated to a list of diagnostics of reasonable length."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from phift.concealing import looks_secret
from phift.diagnostics import Diagnostic, Mark
from phift.errors import InvalidSpecError
from phift.lazy import lazy_pattern

__all__ = ["LISTED", "FileProblem", "Findings", "Problem", "Skipped", "named"]

LISTED = 20
"""Number of kinds of problems to list; the others are only counted."""

_NAMES = 8
_PLACES = 5  # positions to list per kind of problem
_IDENTIFIER = lazy_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_NUMBER = lazy_pattern(r"\d+")


@dataclass(frozen=True)
class Problem:
    """A problem of a row or a file. code: a stable short name; column: from 1, or 0."""

    code: str
    summary: str
    remedy: str = ""
    column: int = 0


@dataclass(frozen=True)
class FileProblem(Problem):
    """A problem that prevents reading the rest of a file, so that dropping a row does not help."""


@dataclass(frozen=True)
class Skipped(Problem):
    """A row that the spec drops by a rule; not an error."""


def named(names: Iterable[object]) -> str:
    """List the names of columns or keys for a message: the first few that are identifiers.

    Any other text of a data file is content, and never quoted: logs are kept, and the file may not even be data.
    """
    known = list(names)
    fit = [n for n in known if isinstance(n, str) and _IDENTIFIER.fullmatch(n) and not looks_secret(n)]
    told = ", ".join(f"`{name}`" for name in fit[:_NAMES])
    if (others := len(known) - len(fit)) and len(fit) <= _NAMES:
        return f"{told + ' and ' if told else ''}{others} whose name is not an identifier"
    return told or "none"


@dataclass
class _Kind:
    """Problems of one kind in one file. first: the first one, at mark; row: its row number, if the line does not show
    it. places: the positions of the first rows with the problem."""

    first: Problem
    mark: Mark
    row: int
    count: int = 0
    rows: int = 0
    last: int = 0
    places: list[int] = field(default_factory=list)

    def add(self, place: int) -> None:
        self.count += 1
        if place != self.last or not place:
            self.rows += 1
            self.last = place
            if len(self.places) < _PLACES:
                self.places.append(place)

    def diagnostic(self) -> Diagnostic:
        first, noun = self.first, "row" if self.row else "line"
        summary, detail = first.summary, f"It is row {self.row}." if self.row else ""
        if self.rows > 1:
            summary = f"{self.rows:,} rows: {first.summary}"
            start, *more = (f"{place:,}" for place in self.places)
            others = [*more, *([f"{left:,} more"] if (left := self.rows - len(self.places)) else [])]
            told = " and ".join([", ".join(others[:-1]), others[-1]] if len(others) > 1 else others)
            detail = f"The first is {noun} {start}; the others: {told}."
        elif self.count > 1:
            detail = f"{detail} {self.count} messages of that row are affected.".lstrip()
        return Diagnostic(summary, detail=detail, remedy=first.remedy, mark=self.mark, code=f"data-{first.code}")


class Findings:
    """The problems so far, by kind and file: the first `LISTED` kinds with their count and first position; the others
    are only counted."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], _Kind] = {}
        self._unlisted: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def add(self, problem: Problem, file: str, line: int = 0, row: int = 0) -> None:
        """Add a problem at `line` (from 1; 0: the whole file) of `file`. row: the number of the row, from 1, for
        formats where lines are not useful.

        Problems are of one kind if they have the same code and their summaries differ only in numbers.
        """
        key = (file, problem.code, _NUMBER.sub("#", problem.summary))
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) == LISTED:
                self._unlisted[problem.code] += 1
                return
            kind = self._kinds[key] = _Kind(problem, Mark(file, line, problem.column), row)
        kind.add(row or line)

    def extend(self, others: "Findings") -> None:
        """Append the problems of another collection."""
        for key, kind in others._kinds.items():
            if same := self._kinds.get(key):
                same.count += kind.count
                same.rows += kind.rows
            elif len(self._kinds) == LISTED:
                self._unlisted[kind.first.code] += kind.count
            else:
                self._kinds[key] = kind
        self._unlisted += others._unlisted

    def raise_if_any(self) -> None:
        """Raise InvalidSpecError with all findings, if any; unlisted ones are a final diagnostic."""
        if not self._kinds:
            return
        diagnostics = [kind.diagnostic() for kind in self._kinds.values()]
        unlisted = self._unlisted.total()
        total = sum(kind.count for kind in self._kinds.values()) + unlisted
        if unlisted:
            kinds = ", ".join(f"{count} x {code}" for code, count in sorted(self._unlisted.items()))
            more = f"{unlisted} more problem{'' if unlisted == 1 else 's'}"
            diagnostics.append(Diagnostic(more, detail=kinds, code="data-more"))
        noun = "problem" if total == 1 else "problems"
        raise InvalidSpecError(diagnostics, f"{total} {noun} in the data")
