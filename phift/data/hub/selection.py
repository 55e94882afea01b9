"""Which rows of a pinned split are read, and what that costs in bytes. Imports nothing heavy: plans use it.

    Selection.all()              every row
    Selection.first(10_393)      the first rows
    Selection.where(taken)       the rows whose number, from 0, `taken` says yes to: hash samples, strides
    Selection.blocks(taken)      whole Parquet row groups, by their number, from 0 within the split

The first rows and blocks of a Parquet split cost the bytes of their row groups; anything else costs whole files, since
row groups are so large (1,000 rows) that a sample of single rows touches all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phift.data.hub.pins import HubFile, HubSplit

__all__ = ["Selection", "transfer"]


@dataclass(frozen=True)
class Selection:
    """Made by its class methods. count: the first so many rows; taken, group_taken: predicates over numbers from 0."""

    count: int | None = None
    taken: Callable[[int], bool] | None = None
    group_taken: Callable[[int], bool] | None = None

    @classmethod
    def all(cls) -> Selection:
        return cls()

    @classmethod
    def first(cls, count: int) -> Selection:
        """The first `count` rows; all of them where there are fewer."""
        if count < 1:
            raise ValueError(f"at least one row must be taken, not {count}")
        return cls(count=count)

    @classmethod
    def where(cls, taken: Callable[[int], bool]) -> Selection:
        """taken: called once with the number of each row of the split, from 0 and in order."""
        return cls(taken=taken)

    @classmethod
    def blocks(cls, taken: Callable[[int], bool]) -> Selection:
        """taken: called with the number of a row group, maybe more than once; it must answer the same each time."""
        return cls(group_taken=taken)

    @property
    def partial(self) -> bool:
        """It can be read without reading whole files."""
        return self.count is not None or self.group_taken is not None


def transfer(split: HubSplit, selection: Selection) -> tuple[int, int]:
    """(bytes that will be read, bytes of the split), from the pin alone.

    The first is exact where whole files are read, and good to a row group where rows and row groups were counted
    (`resolve(..., count=True)`); where they were not, it is the most that it can be: the bytes of the split.
    """
    if not split.direct or not selection.partial:
        return split.size, split.size
    if split.unlisted:
        known = selection.count is not None and split.rows
        share = min(1.0, selection.count / split.rows) if known and split.rows and selection.count else 1.0
        return round(split.size * share), split.size
    if any(file.rows is None or file.groups is None for file in split.files):
        return split.size, split.size
    return sum(_bytes_of(split, selection)), split.size


def _bytes_of(split: HubSplit, selection: Selection) -> Iterator[int]:
    row = group = 0
    for file in split.files:
        yield _share_of(file, selection, row, group)
        row += file.rows or 0
        group += file.groups or 0


def _share_of(file: HubFile, selection: Selection, row: int, group: int) -> int:
    """Bytes read of a file that begins at that row and row group of the split."""
    groups, rows = file.groups or 0, file.rows or 0
    if selection.group_taken is not None:
        taken = sum(1 for number in range(group, group + groups) if selection.group_taken(number))
    else:
        wanted = min(rows, max(0, (selection.count or 0) - row))
        taken = -(-wanted * groups // rows) if rows else 0
    return file.size if taken == groups else round(file.size * taken / groups) if groups else 0
