"""Compare two prepared files row by row: rows added, removed, and changed under the same prompt_id.

Memory: digests of the rows of one file and of the differences; row texts only for the few rows to show.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from phift.data.table import prompt_in

__all__ = ["Difference", "RowChange", "compare"]


@dataclass(frozen=True)
class RowChange:
    """before, after: the row's number in each prepared file, from 1, and the row; None if absent."""

    before: tuple[int, dict[str, Any]] | None
    after: tuple[int, dict[str, Any]] | None


@dataclass(frozen=True)
class Difference:
    """same: rows in both. reordered: the rows are the same, in a different order. The lists have the first few rows."""

    same: int
    added: int
    removed: int
    changed: int
    reordered: bool = False
    first_added: tuple[RowChange, ...] = ()
    first_removed: tuple[RowChange, ...] = ()
    first_changed: tuple[RowChange, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether the rows are the same, in the same order."""
        return not (self.added or self.removed or self.changed or self.reordered)


@dataclass
class _Left:
    """Rows in only one file: number and offset in the file, by digest of the prompt_id."""

    by_id: dict[int, deque[tuple[int, int]]] = field(default_factory=lambda: defaultdict(deque))

    def add(self, line: bytes, number: int, offset: int) -> None:
        self.by_id[_digest(_id_of(orjson.loads(line)).encode())].append((number, offset))

    def places(self) -> list[tuple[int, int]]:
        return sorted(place for places in self.by_id.values() for place in places)


def compare(before: Path, after: Path, *, listed: int = 5) -> Difference:
    """Compare two files. listed: maximum rows of each kind to return. Duplicate rows match one to one."""
    unmatched = Counter(_digest(line) for _, _, line in _lines(before))
    added, removed = _Left(), _Left()
    same = 0
    for number, offset, line in _lines(after):
        digest = _digest(line)
        if unmatched[digest] > 0:
            unmatched[digest] -= 1
            same += 1
        else:
            added.add(line, number, offset)
    for number, offset, line in _lines(before):
        digest = _digest(line)
        if unmatched[digest] > 0:
            unmatched[digest] -= 1
            removed.add(line, number, offset)
    changed = sorted(_paired(removed, added))
    gone, new = removed.places(), added.places()
    everything = not (gone or new or changed)
    return Difference(
        same=same,
        added=len(new),
        removed=len(gone),
        changed=len(changed),
        reordered=everything and not _alike(before, after),
        first_added=tuple(RowChange(None, row) for row in _rows(after, new[:listed])),
        first_removed=tuple(RowChange(row, None) for row in _rows(before, gone[:listed])),
        first_changed=tuple(
            RowChange(old, now)
            for old, now in zip(
                _rows(before, [one for one, _ in changed[:listed]]),
                _rows(after, [one for _, one in changed[:listed]]),
                strict=True,
            )
        ),
    )


def _paired(removed: _Left, added: _Left) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Move the rows that share a prompt_id from removed and added to changed."""
    for key in list(removed.by_id):
        old, new = removed.by_id[key], added.by_id.get(key, deque())
        while old and new:
            yield old.popleft(), new.popleft()


def _rows(path: Path, places: list[tuple[int, int]]) -> list[tuple[int, dict[str, Any]]]:
    found = []
    with path.open("rb") as stream:
        for number, offset in places:
            stream.seek(offset)
            found.append((number, orjson.loads(stream.readline())))
    return found


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, from 1, offset and text of each line."""
    offset = 0
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            yield number, offset, line
            offset += len(line)


def _alike(before: Path, after: Path) -> bool:
    return all(a == b for (_, _, a), (_, _, b) in zip(_lines(before), _lines(after), strict=True))


def _digest(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "big")


def _id_of(row: Mapping[str, Any]) -> str:
    """Return what identifies a row in both versions: its prompt_id; for a row of a table its texts."""
    return str(row["prompt_id"]) if "prompt_id" in row else prompt_in(row)
