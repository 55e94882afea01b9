"""The rows of a pinned split, in order.

    for path, number, row in read(pin, Selection.first(10_393), client, folder):
        ...                                    # path: of the file in the repository; number: of the row, from 1

Parquet: a prefix, and blocks of row groups, are read by byte ranges of up to 16 MB. Any other selection is read file by
file: download the whole file, verify it against the pinned SHA-256, read it, while the next one downloads. Files are
deleted at the end, or at once where the disk has little room. Where a proxy ignores byte ranges, prefixes and blocks
are read this way too. Other formats always are; the builder of `datasets` parses them with the card's options at the
pinned commit.

A range cannot be verified against the SHA-256 of the whole file. The hub states that SHA-256 when it redirects to the
file; it is compared with the pin.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phift.data.hub.client import HubClient
from phift.data.hub.download import Download, Meter, Progress, Slot, one_ahead
from phift.data.hub.errors import Subject, not_the_pinned_file
from phift.data.hub.pins import HubFile, HubSplit
from phift.data.hub.ranges import PARTIAL, PartialFile
from phift.data.hub.remote import RangesIgnored, Remote
from phift.data.hub.resolving import complete
from phift.data.hub.selection import Selection, transfer
from phift.data.problems import Problem
from phift.diagnostics import Diagnostic
from phift.digest import file_digest
from phift.errors import InvalidSpecError

__all__ = ["Download", "Progress", "Row", "Selection", "read", "transfer"]

Row = tuple[str, int, dict[str, Any] | Problem]


def read(
    split: HubSplit,
    selection: Selection,
    client: HubClient,
    folder: Path,
    progress: Progress | None = None,
    *,
    columns: Sequence[str] | None = None,
    keep: bool = False,
) -> Iterator[Row]:
    """(path in the repository, number from 1 within the split, row) of the selected rows, in order.

    A row is a dict, or a Problem where the file cannot be read any further; nothing follows a Problem.

    folder: scratch space for downloads. Several reads may share it, also from other processes. The next read of the
    same split resumes the downloads of a killed one, and downloads nothing that is there. A read that completes leaves
    no files, unless `keep` is set: whole files then stay and later reads use them. progress: called with a Download.
    columns: the columns to read, by default all; unknown ones are ignored.

    This is a generator: nothing happens before the first `next`, and closing it ends its downloads. Files in the cache
    of huggingface_hub are used if their content is the pinned one, also with HF_HUB_OFFLINE.

    Raises HubError when the hub cannot be reached or refuses access, or the disk is too small; StalePlanError when a
    file is not the pinned one, before any of its rows if it is read whole; InvalidSpecError for blocks of a split that
    is not Parquet.
    """
    if selection.group_taken is not None and not split.direct:
        summary = f"`by: block` needs Parquet files, and {split.id} has {split.builder} files"
        raise InvalidSpecError([Diagnostic(summary, remedy="Leave `by` out.", path="take", code="data-hub-take")])
    split = complete(split, client)
    with Slot(folder, split.files, keep=keep) as slot:
        reading = _Reading(split, selection, client, slot, progress, columns)
        yield from reading.parquet() if split.direct else reading.streamed()


@dataclass
class _Piece:
    """A local file, or some row groups of it. first: number of the file's first row, from 0; last: no more follow;

    ours: we downloaded it, and delete it after use.
    """

    file: HubFile
    path: Path
    first: int
    footer: Any = None
    groups: Sequence[int] = ()
    last: bool = True
    ours: bool = True


class _Reading:
    """One call of `read`."""

    def __init__(
        self,
        split: HubSplit,
        selection: Selection,
        client: HubClient,
        slot: Slot,
        progress: Progress | None,
        columns: Sequence[str] | None,
    ) -> None:
        self._split = split
        self._selection = selection
        self._client = client
        self._slot = slot
        self._columns = columns
        self._meter = Meter(transfer(split, selection)[0], len(split.files), progress)
        self._cancelled = threading.Event()
        self._ranges = True

    def parquet(self) -> Iterator[Row]:
        """Rows of Parquet files, by row groups."""
        from phift.data.hub.parquet import rows_of

        with closing(one_ahead(self._parquet_pieces(), self._cancelled)) as pieces:
            for piece in pieces:
                starts = _starts(piece.footer.metadata, piece.first)
                found = rows_of(
                    piece.path,
                    piece.footer.metadata,
                    piece.groups,
                    starts.__getitem__,
                    self._selection.taken,
                    self._columns,
                )
                for number, row in found:
                    if self._selection.count is not None and number >= self._selection.count:
                        break
                    yield piece.file.path, number + 1, row
                    if isinstance(row, Problem):
                        self._finish(piece)
                        return
                self._finish(piece)

    def streamed(self) -> Iterator[Row]:
        """Rows of other formats, through the builder of `datasets`."""
        from phift.data.hub.streaming import Streaming

        streaming = Streaming(self._client, self._split, self._columns)
        count, taken, number = self._selection.count, self._selection.taken, 0
        whole = self._whole_pieces()
        # Rows per file are unknown here: a prefix may end in this file, so do not download the next one ahead.
        with closing(whole if count is not None else one_ahead(whole, self._cancelled)) as pieces:
            for piece in pieces:
                for row in streaming.rows(piece.path):
                    problem = isinstance(row, Problem)
                    if problem or taken is None or taken(number):
                        yield piece.file.path, number + 1, row
                    number += 1
                    if problem or number == count:
                        self._finish(piece)
                        return
                self._finish(piece)

    def _finish(self, piece: _Piece) -> None:
        if piece.ours and piece.last:
            self._slot.done(piece.path)

    def _whole_pieces(self) -> Generator[_Piece, None, None]:
        self._check_space(self._split.files)
        for number, file in enumerate(self._split.files, 1):
            yield self._whole(number, file, 0)

    def _parquet_pieces(self) -> Generator[_Piece, None, None]:
        """Downloads; runs in the background thread."""
        selection, row, group = self._selection, 0, 0
        if not selection.partial:
            self._check_space(self._split.files)
        for number, file in enumerate(self._split.files, 1):
            if selection.count is not None and row >= selection.count:
                return
            known = file.rows is not None and file.groups is not None
            if known and not any(self._wanted(file.rows or 0, file.groups or 0, row, group)):
                rows, groups = file.rows or 0, file.groups or 0
            else:
                rows, groups = yield from self._of_file(number, file, row, group)
            row, group = row + rows, group + groups

    def _wanted(self, rows: int, groups: int, row: int, group: int) -> Iterator[bool]:
        """Of each row group of a file that begins at that row and group of the split: may it hold selected rows?"""
        selection = self._selection
        if selection.group_taken is not None:
            yield from (selection.group_taken(number) for number in range(group, group + groups))
        else:
            yield from (selection.count is None or row < selection.count for _ in range(groups))

    def _of_file(self, number: int, file: HubFile, row: int, group: int) -> Generator[_Piece, None, tuple[int, int]]:
        """The pieces of a file that begins at that row and group; returns how many rows and groups it has."""
        remote = Remote.of(self._client, self._split, file)
        self._meter.begin(number)
        given: set[int] = set()
        if self._selection.partial and self._ranges and self._cached(file) is None:
            try:
                return (yield from self._parts(remote, row, group, given))
            except RangesIgnored:
                self._ranges = False
        piece = self._whole(number, file, row)
        metadata = piece.footer.metadata
        self._check_counts(remote, metadata)
        piece.groups = [n for n in self._groups(metadata, row, group) if n not in given]
        yield piece
        return metadata.num_rows, metadata.num_row_groups

    def _parts(self, remote: Remote, row: int, group: int, given: set[int]) -> Generator[_Piece, None, tuple[int, int]]:
        """The selected row groups of a file, by ranges, or the whole file if all are; adds them to `given`."""
        from phift.data.hub.parquet import blocks, footer_of

        file = remote.file
        footer = footer_of(remote)
        metadata = footer.metadata
        self._check_counts(remote, metadata)
        groups = self._groups(metadata, row, group)
        if len(groups) == metadata.num_row_groups and self._columns is None:
            piece = self._whole(0, file, row)
            piece.groups = groups
            yield piece
            return metadata.num_rows, metadata.num_row_groups
        self._meter.add(len(footer.tail))
        planned = list(blocks(footer, groups, self._columns))
        if not planned:
            return metadata.num_rows, metadata.num_row_groups
        partial = PartialFile(self._slot, self._slot.place(file, PARTIAL), file.size)
        wanted = [each for _, ranges in planned for each in ranges if not partial.has(*each)]
        self._slot.need(sum(stop - start for start, stop in wanted) + len(footer.tail))
        partial.begin(footer.start, footer.tail)
        for at, (joined, ranges) in enumerate(planned, 1):
            for start, stop in ranges:
                if partial.has(start, stop):
                    self._meter.add(stop - start)
                    continue
                with partial.adding(start, stop) as write:
                    remote.read(start, stop, self._counted(write), self._cancelled)
            self._meter.report()
            given.update(joined)
            yield _Piece(file, partial.path, row, footer, joined, last=at == len(planned))
        return metadata.num_rows, metadata.num_row_groups

    def _counted(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        def counted(chunk: bytes) -> None:
            write(chunk)
            self._meter.add(len(chunk))

        return counted

    def _groups(self, metadata: Any, row: int, group: int) -> list[int]:
        """The row groups of a file that hold selected rows."""
        if self._selection.group_taken is not None:
            return [n for n in range(metadata.num_row_groups) if self._selection.group_taken(group + n)]
        count = self._selection.count
        starts = _starts(metadata, row)
        return [n for n in range(metadata.num_row_groups) if count is None or starts[n] < count]

    def _whole(self, number: int, file: HubFile, row: int) -> _Piece:
        """A whole file, verified: from huggingface_hub's cache, from a killed read, or downloaded."""
        from phift.data.hub.parquet import local_footer

        remote = Remote.of(self._client, self._split, file)
        if number:
            self._meter.begin(number)
        cached = self._cached(file)
        if cached is not None:
            self._meter.add(file.size)
            path, ours = cached, False
        else:
            self._slot.need(self._slot.missing(file))
            path, ours = self._slot.whole(remote, self._meter, self._cancelled), True
        self._meter.report()
        footer = local_footer(remote, path) if self._split.direct else None
        return _Piece(file, path, row, footer, ours=ours)

    def _cached(self, file: HubFile) -> Path | None:
        """The file in huggingface_hub's cache, if its content is the pinned one."""
        return next((path for path in self._in_cache(file) if file_digest(path) == file.sha256), None)

    def _in_cache(self, file: HubFile) -> Iterator[Path]:
        """Files of the same size in huggingface_hub's cache, whose layout is documented."""
        owner, _, name = self._split.id.partition("/")
        folder = self._client.cache / f"datasets--{owner}--{name}"
        for path in (folder / "blobs" / file.sha256, folder / "snapshots" / self._split.revision / file.path):
            if path.is_file() and path.stat().st_size == file.size:
                yield path

    def _check_space(self, files: Sequence[HubFile]) -> None:
        """Two files at a time must fit, or all of them if they are kept."""
        sizes = [0 if any(self._in_cache(file)) else self._slot.missing(file) for file in files]
        self._slot.spare(sum(sizes))
        pairs = [sum(sizes[n : n + 2]) for n in range(len(sizes))]
        self._slot.need(sum(sizes) if self._slot.keep else max(pairs, default=0))

    def _check_counts(self, remote: Remote, metadata: Any) -> None:
        file = remote.file
        for pinned, found, noun in (
            (file.rows, metadata.num_rows, "rows"),
            (file.groups, metadata.num_row_groups, "row groups"),
        ):
            if pinned is not None and pinned != found:
                subject = Subject(self._split.id, self._split.revision, file.path, pinned=True)
                raise not_the_pinned_file(subject, f"{pinned:,} {noun}", f"{found:,}")


def _starts(metadata: Any, first: int) -> list[int]:
    """The number of each row group's first row."""
    found = []
    for group in range(metadata.num_row_groups):
        found.append(first)
        first += metadata.row_group(group).num_rows
    return found
