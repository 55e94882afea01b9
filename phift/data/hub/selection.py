"""Selections of rows of a pinned split, and the bytes that reading them takes. Imports nothing heavy: for plans.

    Selection.all()              every row
    Selection.first(10_393)      the first rows
    Selection.where(taken)       the rows for whose number, from 0, `taken` is true: hash samples, strides
    Selection.blocks(taken)      whole Parquet row groups, by number, from 0 within the split

A prefix and blocks of a Parquet split take the bytes of their row groups. Other selections take whole files: row groups
are large (usually 1,000 rows), so that a sample of single rows touches nearly all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phift.data.hub.pins import HubFile, HubSplit

__all__ = ["Selection", "transfer"]


@dataclass(frozen=True)
class Selection:
    """Use the class methods. count: of a prefix; taken, group_taken: predicates over numbers from 0."""

    count: int | None = None
    taken: Callable[[int], bool] | None = None
    group_taken: Callable[[int], bool] | None = None

    @classmethod
    def all(cls) -> Selection:
        return cls()

    @classmethod
    def first(cls, count: int) -> Selection:
        """The first `count` rows, at least 1; all rows if there are fewer. Raises ValueError below 1."""
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        return cls(count=count)

    @classmethod
    def where(cls, taken: Callable[[int], bool]) -> Selection:
        """taken: called once for each row of the split, in order, with its number from 0."""
        return cls(taken=taken)

    @classmethod
    def blocks(cls, taken: Callable[[int], bool]) -> Selection:
        """taken: called with the number of a row group, possibly repeatedly and from another thread; must be pure."""
        return cls(group_taken=taken)

    @property
    def partial(self) -> bool:
        """Whether it can be read without whole files."""
        return self.count is not None or self.group_taken is not None


def transfer(split: HubSplit, selection: Selection) -> tuple[int, int]:
    """(bytes that will be read, bytes of the split), from the pin alone.

    The first is exact for whole files, and accurate to a row group if rows were counted (`resolve(..., count=True)`);
    if not, it is estimated from the rows that the card claims, and without them it is the bytes of the split.
    """
    if not split.direct or not selection.partial:
        return split.size, split.size
    if split.unlisted or any(file.rows is None or file.groups is None for file in split.files):
        rows = split.rows or split.claimed
        share = min(1.0, selection.count / rows) if selection.count and rows else 1.0
        return round(split.size * share), split.size
    return sum(_bytes_of(split, selection)), split.size


def _bytes_of(split: HubSplit, selection: Selection) -> Iterator[int]:
    row = group = 0
    for file in split.files:
        yield _share_of(file, selection, row, group)
        row += file.rows or 0
        group += file.groups or 0


def _share_of(file: HubFile, selection: Selection, row: int, group: int) -> int:
    """Bytes read of a file that starts at this row and row group of the split."""
    groups, rows = file.groups or 0, file.rows or 0
    if selection.group_taken is not None:
        taken = sum(1 for number in range(group, group + groups) if selection.group_taken(number))
    else:
        wanted = min(rows, max(0, (selection.count or 0) - row))
        taken = -(-wanted * groups // rows) if rows else 0
    return file.size if taken == groups else round(file.size * taken / groups) if groups else 0
