"""Preparation: from a source's rows to one canonical JSON Lines file, all rows checked, memory flat."""

import errno
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from phift.data.mapping import MessageTemplates
from phift.data.messages import encoded, problems_of
from phift.data.output import Sink, written_whole
from phift.data.problems import Findings, Problem
from phift.data.readers import Counter, read
from phift.data.sources import SourceIdentity
from phift.data.take import Take
from phift.digest import file_digest
from phift.errors import PhiftError, StalePlanError

__all__ = ["Prepared", "prepare"]

_COLUMNS = ("prompt", "messages", "prompt_id")
_REPORT_EVERY = 1000  # rows


@dataclass(frozen=True)
class Prepared:
    """A prepared file: where it is, its rows, size in bytes, and the SHA-256 of its bytes (64 hex)."""

    path: Path
    rows: int
    size: int
    digest: str


def prepare(
    identity: SourceIdentity,
    *,
    take: object = None,
    seed: int = 0,
    messages: Mapping[str, str] | None = None,
    into: Path,
    progress: Callable[[int], None] | None = None,
) -> Prepared:
    """Check the taken rows of a source and write them to the file `into`, which appears only when all is well.

    take, seed: see `Take`. messages: Jinja templates by role, for rows without `messages` (see MessageTemplates).
    progress: called now and then with the number of rows done, and once at the end.
    Raises InvalidSpecError with the problems found, each with file and line (the first 20, then a count), and when no
    row is left or a count asks for more rows than there are; StalePlanError when a file is no longer the one that was
    identified; PhiftError when a file cannot be read or `into` cannot be written.
    """
    templates = None if messages is None else MessageTemplates(messages)
    rows = _Rows(identity, Take.parse(take), seed, templates)
    try:
        with written_whole(into) as out:
            prepared = _write(rows, out, into, progress)
            _unchanged(identity)  # first, as rows of a file that changes under us may be wrong for that alone
            rows.findings.raise_if_any()
    except OSError as error:
        name = error.filename or into
        remedy = f"Free some space where {into.parent} lies." if error.errno == errno.ENOSPC else ""
        raise PhiftError(f"cannot prepare data: {name}: {error.strerror or error}", remedy=remedy) from error
    return prepared


class _Rows:
    """The taken rows of all files, mapped and checked; what is wrong goes to `findings`."""

    def __init__(self, identity: SourceIdentity, take: Take, seed: int, templates: MessageTemplates | None) -> None:
        self.findings = Findings()
        self._identity = identity
        self._take = take
        self._seed = seed
        self._templates = templates

    def __iter__(self) -> Iterator[bytes]:
        """Canonical lines, as long as nothing is wrong; after the first problem only problems are gathered."""
        selector = None if self._take.everything else self._take.selector(self._seed, self._count)
        counter = Counter(selector)
        taken = 0
        for file, line, row in self._read(counter):
            taken += 1
            ready = self._ready(row, file, line)
            if ready is not None and not self.findings:
                yield ready
        self._check_amount(taken, counter.rows)

    def _read(self, counter: Counter) -> Iterator[tuple[str, int, Any]]:
        columns = _COLUMNS if self._templates is None else None
        for file in self._identity.files:
            name = str(file.path)
            for line, row in read(file.path, file.format, counter, columns):
                yield name, line, row

    def _count(self) -> int:
        counter = Counter(lambda number: False)
        for _ in self._read(counter):  # problems of the files come again in the pass that counts
            pass
        return counter.rows

    def _ready(self, row: Any, file: str, line: int) -> bytes | None:
        if self._templates is not None and not isinstance(row, Problem):
            row = self._templates.render(row)
        problems = [row] if isinstance(row, Problem) else problems_of(row)
        if not problems:
            try:
                return encoded(row)
            except ValueError:
                half = Problem(
                    "surrogate", "a text holds half a surrogate pair (\\ud800 to \\udfff)", "Repair the text."
                )
                problems = [half]
        for problem in problems:
            self.findings.add(problem, file, line)
        return None

    def _check_amount(self, taken: int, rows: int) -> None:
        if self.findings:
            return
        file = str(self._identity.files[0].path)
        if rows == 0:
            self.findings.add(Problem("empty", "there are no rows", "It must hold at least one row."), file)
        elif self._take.count is not None and self._take.count > rows:
            said = f"take: {self._take} asks for more rows than there are ({rows})"
            self.findings.add(Problem("take", said, f"Write at most {rows}, or leave `take` out."), file)
        elif taken == 0:
            said = f"take: {self._take} leaves none of the {rows} rows"
            self.findings.add(Problem("take", said, "Take more, or write a count of rows."), file)


def _write(rows: _Rows, out: BinaryIO, into: Path, progress: Callable[[int], None] | None) -> Prepared:
    count = 0
    sink = Sink(out)
    for line in rows:
        sink.write(line)
        count += 1
        if progress is not None and count % _REPORT_EVERY == 0:
            progress(count)
    if progress is not None:
        progress(count)
    return Prepared(into, count, sink.size, sink.digest)


def _unchanged(identity: SourceIdentity) -> None:
    for file in identity.files:
        if file.modified != file.path.stat().st_mtime_ns and file_digest(file.path) != file.digest:
            raise StalePlanError(
                f"{file.path} has changed since it was planned",
                detail="The data version in the plan stands for its earlier content.",
                remedy="Run the command again.",
            )
