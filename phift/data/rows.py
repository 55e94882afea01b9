"""The raw rows of any source that `take` selects, before mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phift.data.problems import Problem
from phift.data.readers import Counter, count_rows, numbered, read
from phift.data.sources import SourceFile, SourceIdentity
from phift.data.take import Picked, Take

if TYPE_CHECKING:
    from phift.data.hub import Download, HubClient, HubSplit, Selection

__all__ = ["Access", "SourceRow", "SourceRows", "selection_of"]

SourceRow = tuple[str, int, Any]
"""Name of the file for messages, line (or row number) from 1, and the row or a Problem."""


@dataclass(frozen=True)
class Access:
    """Access to remote data. hub: creates a client. folder: for downloads; None: a temporary one.

    downloading: called periodically with the progress of a download. waiting: called before waiting for another
    command that prepares the same rows.
    """

    hub: Callable[[], HubClient] | None = None
    folder: Path | None = None
    downloading: Callable[[Download], object] | None = None
    waiting: Callable[[], object] | None = None


class SourceRows:
    """The selected rows of a source, in order. seen: rows read so far; for the hub, only the selected ones.

    number: of the current row in its file, from 1, for formats located by number; else 0.
    """

    def __init__(
        self, identity: SourceIdentity, take: Take, seed: int, columns: Sequence[str] | None, access: Access
    ) -> None:
        """columns: those to read; None for all."""
        self.seen = 0
        self.taken = 0
        self.number = 0
        self._identity = identity
        self._take = take
        self._seed = seed
        self._columns = None if columns is None else tuple(columns)
        self._access = access

    def count(self) -> int:
        """Count all rows of the source before selection. Raises OSError."""
        if self._identity.remote is not None:
            with self._fetched() as files:
                return _counted(files)
        split = self._identity.hub
        if split is not None and split.rows is not None:
            return split.rows
        if split is not None:
            return sum(1 for _ in self._from_hub(split, Picked(row=None)))
        return _counted(self._identity.named)

    def __iter__(self) -> Iterator[SourceRow]:
        """Yield the rows. Raises the errors of the readers: OSError, and those of the hub and of remote files."""
        if self._identity.remote is not None:
            with self._fetched() as files:
                picked = self._take.picked(self._seed, lambda: _counted(files))
                yield from self._taken(self._from_files(picked, files), picked)
            return
        picked = self._take.picked(self._seed, self.count)
        split = self._identity.hub
        rows = self._from_hub(split, picked) if split is not None else self._from_files(picked, self._identity.named)
        yield from self._taken(rows, picked)

    def _taken(self, rows: Iterator[SourceRow], picked: Picked) -> Iterator[SourceRow]:
        with closing(rows):  # type: ignore[type-var]
            for row in rows:
                self.taken += 1
                yield row
                if self._identity.hub is None and picked.first is not None and self.taken >= picked.first:
                    return  # the hub's reader stops and cleans up when closed

    @contextmanager
    def _fetched(self) -> Iterator[Iterable[tuple[str, SourceFile]]]:
        """Yield remote files, each downloaded when it is reached."""
        import tempfile

        from phift.data.remote import Fetched, folder_of

        remote = self._identity.remote
        assert remote is not None
        with (
            tempfile.TemporaryDirectory(prefix="phift-") as scratch,
            folder_of(remote, self._access.folder or Path(scratch)) as folder,
        ):
            yield Fetched(remote, folder, self._told)

    def _told(self, done: int, size: int, file: int, files: int) -> None:
        if self._access.downloading is not None:
            from phift.data.hub import Download

            self._access.downloading(Download(done, size, file, files))

    def _from_files(self, picked: Picked, files: Iterable[tuple[str, SourceFile]]) -> Iterator[SourceRow]:
        counter = Counter(picked)
        for name, file in files:
            before, by_number = counter.rows, numbered(file.format)
            for line, row in read(file.path, file.format, counter, self._columns):
                self.seen = counter.rows
                if by_number:
                    self.number = line if file.format == "parquet" else counter.rows - before
                yield name, line, row
            self.number = 0
        self.seen = counter.rows

    def _from_hub(self, split: HubSplit, picked: Picked) -> Iterator[SourceRow]:
        import tempfile

        from phift.data.hub import HubClient, read

        with (
            tempfile.TemporaryDirectory(prefix="phift-") as scratch,
            (self._access.hub or HubClient)() as client,
        ):
            folder = self._access.folder or Path(scratch)
            for path, number, row in read(
                split, selection_of(picked), client, folder, self._access.downloading, columns=self._columns
            ):
                self.seen = max(self.seen, number)
                self.number = number
                yield f"{split.id}/{path}", number, row if isinstance(row, Problem) else dict(row)


def _counted(files: Iterable[tuple[str, SourceFile]]) -> int:
    return sum(count_rows(file.path, file.format) for _, file in files)


def selection_of(picked: Picked) -> Selection:
    """The selector for the hub's reader."""
    from phift.data.hub import Selection

    if picked.first is not None:
        return Selection.first(picked.first)
    if picked.block is not None:
        return Selection.blocks(picked.block)
    return Selection.all() if picked.row is None else Selection.where(picked.row)
