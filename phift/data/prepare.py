"""Prepare data: check the rows of a source and write one canonical JSON Lines file, in constant memory."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from phift.data.lengths import LengthMeter, Lengths, row_size
from phift.data.mapping import compiled, mapped
from phift.data.messages import encoded, oddities_of, problems_of
from phift.data.output import Sink, written_whole
from phift.data.problems import FileProblem, Findings, Problem, Skipped
from phift.data.recipe import Recipe
from phift.data.rows import Access, SourceRows
from phift.data.sources import SourceIdentity
from phift.data.table import Table
from phift.digest import file_digest
from phift.errors import PhiftError, StalePlanError

__all__ = ["Prepared", "Ready", "ReadyRows", "amount_problem", "prepare", "ready_rows", "require_unchanged"]

_COLUMNS = ("prompt", "messages", "prompt_id")
_REPORT_EVERY = 1000  # rows
_HALF = Problem("surrogate", "a text contains an unpaired surrogate (\\ud800 to \\udfff)", "Fix the text.")

Ready = tuple[str, int, Any, bytes | list[Problem]]
"""File, line or number of the row, the source row, and its canonical line or its problems."""


@dataclass(frozen=True)
class Prepared:
    """A prepared file: its path, rows, size in bytes, and SHA-256 (64 hex).

    skipped: the number of dropped rows by problem code. lengths: of the rows; None if an earlier release prepared them.
    """

    path: Path
    rows: int
    size: int
    digest: str
    skipped: tuple[tuple[str, int], ...] = ()
    lengths: Lengths | None = None


def prepare(
    recipe: Recipe,
    into: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    access: Access | None = None,
) -> Prepared:
    """Check the rows of a recipe and write them to the file `into`, which is created only on success.

    progress: called periodically, and at the end, with the number of processed and dropped rows. access: to data that
    is not on this machine.
    Raises InvalidSpecError with the problems by kind, each with its count and first file and line, if more rows are
    unfit than the recipe allows, if no row is left, or if `take` exceeds the number of rows; StalePlanError if a file
    has changed since it was identified; PhiftError if a file cannot be read or `into` cannot be written; and the
    errors of the hub.
    """
    rows = _Rows(recipe, access or Access())
    try:
        with written_whole(into) as out:
            prepared = _write(rows, out, into, progress)
            require_unchanged(
                recipe.identity
            )  # first, because a file that changes while it is read can cause other errors
            rows.findings.raise_if_any()
    except OSError as error:
        name = error.filename or into
        remedy = f"Free some disk space for {into.parent}." if error.errno == errno.ENOSPC else ""
        raise PhiftError(f"cannot prepare data: {name}: {error.strerror or error}", remedy=remedy) from error
    return prepared


def ready_rows(recipe: Recipe, access: Access | None = None) -> ReadyRows:
    """Yield the rows of a recipe, each with its canonical line or its problems; a row that the mapping drops has one
    problem of class Skipped. Raises OSError and the errors of the hub."""
    return ReadyRows(recipe, access or Access())


def amount_problem(recipe: Recipe, source: SourceRows, written: int) -> Problem | None:
    """Return the problem with the number of rows, if any, after the whole source is read. written: fit rows."""
    take, taken, rows = recipe.take, source.taken, source.seen
    if rows == 0:
        files = recipe.identity.files
        table = files[0].format.startswith(("csv", "tsv")) if files else False
        remedy = "Add rows after the line of column names." if table else "Add at least one row."
        return Problem("empty", "the data has no rows", remedy)
    if take.count is not None and (wanted := take.of(take.count)) is not None and wanted > taken:
        said = f"take: {take} exceeds the number of rows ({rows})"
        return Problem("take", said, f"Use at most {rows}, or remove `take`.")
    if taken == 0:
        said = f"take: {take} selects none of the {rows} rows"
        return Problem("take", said, "Select more rows: another share, or a count of rows.")
    return Problem("empty", f"all {taken} rows were dropped", "") if written == 0 else None


class ReadyRows:
    """See ready_rows. source: counts the rows read and taken so far. lengths: measures the rows without problems."""

    def __init__(self, recipe: Recipe, access: Access) -> None:
        self._mapper = compiled(recipe.messages)
        self._open_ended = recipe.open_ended
        self._table = recipe.table
        self.lengths = LengthMeter()
        columns = _COLUMNS if self._mapper is None else self._mapper.columns
        if self._table is not None:
            columns = self._table.columns
        self.source = SourceRows(recipe.identity, recipe.take, recipe.seed, columns, access)

    def __iter__(self) -> Iterator[Ready]:
        for file, line, row in self.source:
            yield file, line, row, self._of(row)

    def _of(self, row: Any) -> bytes | list[Problem]:
        if self._table is not None:
            return self._of_table(self._table, row)
        if self._mapper is not None and not isinstance(row, Problem):
            row = mapped(self._mapper, row)
        problems = [row] if isinstance(row, Problem) else problems_of(row, open_ended=self._open_ended)
        if problems:
            return problems
        try:
            line = encoded(row)
        except ValueError:
            return [_HALF]
        if odd := oddities_of(row, line):
            return odd
        self.lengths.add(row_size(row))
        return line

    def _of_table(self, table: Table, row: Any) -> bytes | list[Problem]:
        problems = [row] if isinstance(row, Problem) else table.problems_of(row)
        if problems:
            return problems
        try:
            line = table.encoded(row)
        except ValueError:
            return [_HALF]
        self.lengths.add(row_size({column: row[column] for column in table.texts}))
        return line


class _Rows:
    """Yields the canonical lines of a recipe; adds problems to `findings` and counts dropped rows in `skipped`."""

    def __init__(self, recipe: Recipe, access: Access) -> None:
        self.findings = Findings()
        self.skipped: Counter[str] = Counter()
        self._unfit = Findings()
        self._recipe = recipe
        self._ready = ReadyRows(recipe, access)

    def __iter__(self) -> Iterator[bytes]:
        """Yield lines up to the first problem; after it, only collect problems."""
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
                # A problem of a file affects an unknown number of rows, so `unfit` does not apply.
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
        summary = f"{unfit} of {taken} rows are unfit; data.unfit allows {float(allowed.share * 100):g}%"
        self.findings.add(Problem("unfit", summary, "Fix the rows below, or raise the limit."), self._name)
        self.findings.extend(self._unfit)

    def _check_amount(self, written: int) -> None:
        if not self.findings and (problem := amount_problem(self._recipe, self._ready.source, written)):
            self.findings.add(problem, self._name)

    @property
    def lengths(self) -> Lengths:
        return self._ready.lengths.lengths()

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
    return Prepared(into, count, sink.size, sink.digest, tuple(sorted(rows.skipped.items())), rows.lengths)


def require_unchanged(identity: SourceIdentity) -> None:
    """Raise StalePlanError if a file has changed since it was identified."""
    for file in identity.files:
        if file.modified != file.path.stat().st_mtime_ns and file_digest(file.path) != file.digest:
            raise StalePlanError(
                f"{file.path} has changed since it was planned",
                detail="The data version in the plan refers to its earlier content.",
                remedy="Re-run the command.",
            )
