"""Preparation: from a source's rows to one canonical JSON Lines file, all rows checked, memory flat."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from phift.data.mapping import compiled, mapped
from phift.data.messages import encoded, oddities_of, problems_of
from phift.data.output import Sink, written_whole
from phift.data.problems import FileProblem, Findings, Problem, Skipped
from phift.data.recipe import Recipe
from phift.data.rows import Access, SourceRows
from phift.data.sources import SourceIdentity
from phift.digest import file_digest
from phift.errors import PhiftError, StalePlanError

__all__ = ["Prepared", "Ready", "ReadyRows", "amount_problem", "prepare", "ready_rows", "require_unchanged"]

_COLUMNS = ("prompt", "messages", "prompt_id")
_REPORT_EVERY = 1000  # rows
_HALF = Problem("surrogate", "a text holds half a surrogate pair (\\ud800 to \\udfff)", "Repair the text.")

Ready = tuple[str, int, Any, bytes | list[Problem]]
"""File, line or number of the row, the row as it was read, and its canonical line or what is wrong with it."""


@dataclass(frozen=True)
class Prepared:
    """A prepared file: where it is, its rows, size in bytes, and the SHA-256 of its bytes (64 hex).

    skipped: how many rows were left out, by what is wrong with them.
    """

    path: Path
    rows: int
    size: int
    digest: str
    skipped: tuple[tuple[str, int], ...] = ()


def prepare(
    recipe: Recipe,
    into: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    access: Access | None = None,
) -> Prepared:
    """Check the rows of a recipe and write them to the file `into`, which appears only when all is well.

    progress: called now and then with the number of rows done and of those left out, and once at the end.
    access: to what is not on this machine.
    Raises InvalidSpecError with the problems found, by kind, each with its number and its first file and line, when
    more rows are unfit than the recipe lets pass, when no row is left or a count asks for more rows than there are;
    StalePlanError when a file is no longer the one that was identified; PhiftError when a file cannot be read or `into`
    cannot be written, and what the hub raises.
    """
    rows = _Rows(recipe, access or Access())
    try:
        with written_whole(into) as out:
            prepared = _write(rows, out, into, progress)
            require_unchanged(
                recipe.identity
            )  # first, as rows of a file that changes under us may be wrong for that alone
            rows.findings.raise_if_any()
    except OSError as error:
        name = error.filename or into
        remedy = f"Free some space where {into.parent} lies." if error.errno == errno.ENOSPC else ""
        raise PhiftError(f"cannot prepare data: {name}: {error.strerror or error}", remedy=remedy) from error
    return prepared


def ready_rows(recipe: Recipe, access: Access | None = None) -> ReadyRows:
    """The rows of a recipe as they are read, each with its canonical line or with what is wrong with it; a row that the
    mapping leaves out has one problem of the class Skipped. Raises OSError and what the hub raises."""
    return ReadyRows(recipe, access or Access())


def amount_problem(recipe: Recipe, source: SourceRows, written: int) -> Problem | None:
    """What is wrong with the number of rows, of which `written` are fit, once all of the source have been read."""
    take, taken, rows = recipe.take, source.taken, source.seen
    if rows == 0:
        files = recipe.identity.files
        table = files[0].format.startswith(("csv", "tsv")) if files else False
        remedy = "The first line names the columns; rows follow it." if table else "It must hold at least one row."
        return Problem("empty", "there are no rows", remedy)
    if take.count is not None and (wanted := take.of(take.count)) is not None and wanted > taken:
        said = f"take: {take} asks for more rows than there are ({rows})"
        return Problem("take", said, f"Write at most {rows}, or leave `take` out.")
    if taken == 0:
        said = f"take: {take} leaves none of the {rows} rows"
        return Problem("take", said, "Take more, or write a count of rows.")
    return Problem("empty", f"none of the {taken} rows is left", "") if written == 0 else None


class ReadyRows:
    """See ready_rows. source: how many rows it has read and taken so far."""

    def __init__(self, recipe: Recipe, access: Access) -> None:
        self._mapper = compiled(recipe.messages)
        self._open_ended = recipe.open_ended
        columns = _COLUMNS if self._mapper is None else self._mapper.columns
        self.source = SourceRows(recipe.identity, recipe.take, recipe.seed, columns, access)

    def __iter__(self) -> Iterator[Ready]:
        for file, line, row in self.source:
            yield file, line, row, self._of(row)

    def _of(self, row: Any) -> bytes | list[Problem]:
        if self._mapper is not None and not isinstance(row, Problem):
            row = mapped(self._mapper, row)
        problems = [row] if isinstance(row, Problem) else problems_of(row, open_ended=self._open_ended)
        if problems:
            return problems
        try:
            line = encoded(row)
        except ValueError:
            return [_HALF]
        return oddities_of(row, line) or line


class _Rows:
    """The canonical lines of a recipe; what is wrong goes to `findings`, what is left out is counted in `skipped`."""

    def __init__(self, recipe: Recipe, access: Access) -> None:
        self.findings = Findings()
        self.skipped: Counter[str] = Counter()
        self._unfit = Findings()
        self._recipe = recipe
        self._ready = ReadyRows(recipe, access)

    def __iter__(self) -> Iterator[bytes]:
        """As long as nothing is wrong; after the first problem only problems are gathered."""
        written = unfit = 0
        lenient = bool(self._recipe.unfit.share)
        for file, line, _, ready in self._ready:
            if isinstance(ready, bytes):
                if not self.findings:
                    written += 1
                    yield ready
            elif isinstance(ready[0], Skipped):
                self.skipped[ready[0].code] += 1
            else:
                # What is wrong with a file takes an unknown number of rows with it: no share of rows excuses it.
                excused = lenient and not isinstance(ready[0], FileProblem)
                number = 0 if isinstance(ready[0], FileProblem) else self._ready.source.number
                for problem in ready:
                    (self._unfit if excused else self.findings).add(problem, file, line, number)
                if excused:
                    unfit += 1
                    self.skipped[ready[0].code] += 1
        self._check_unfit(unfit)
        self._check_amount(written)

    def _check_unfit(self, unfit: int) -> None:
        taken = self._ready.source.taken
        if not unfit or self._recipe.unfit.allows(unfit, taken):
            return
        allowed = self._recipe.unfit
        summary = f"{unfit} of {taken} rows are unfit, and data.unfit lets {float(allowed.share * 100):g}% pass"
        self.findings.add(Problem("unfit", summary, "Repair the rows below, or let more of them pass."), self._name)
        self.findings.extend(self._unfit)

    def _check_amount(self, written: int) -> None:
        if not self.findings and (problem := amount_problem(self._recipe, self._ready.source, written)):
            self.findings.add(problem, self._name)

    @property
    def _name(self) -> str:
        return str(self._recipe.identity)


def _write(rows: _Rows, out: BinaryIO, into: Path, progress: Callable[[int, int], None] | None) -> Prepared:
    count = 0
    sink = Sink(out)
    for line in rows:
        sink.write(line)
        count += 1
        if progress is not None and count % _REPORT_EVERY == 0:
            progress(count, rows.skipped.total())
    if progress is not None:
        progress(count, rows.skipped.total())
    return Prepared(into, count, sink.size, sink.digest, tuple(sorted(rows.skipped.items())))


def require_unchanged(identity: SourceIdentity) -> None:
    """Raises StalePlanError where a file is no longer the one that was identified."""
    for file in identity.files:
        if file.modified != file.path.stat().st_mtime_ns and file_digest(file.path) != file.digest:
            raise StalePlanError(
                f"{file.path} has changed since it was planned",
                detail="The data version in the plan stands for its earlier content.",
                remedy="Run the command again.",
            )
