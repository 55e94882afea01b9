"""The lengths of the rows of a split, as a small histogram: it gives the mean, the longest, and the longest of a batch.

In bytes of UTF-8, which follow the number of tokens better than characters do for text that is not English. Buckets are
a twelfth of an octave wide (6 %), so that a split of any size has a few dozen of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

__all__ = ["LengthMeter", "Lengths", "row_size"]

_STEPS = 12  # buckets per octave
_BUCKETS = re.compile(r"([0-9]{1,4}:[0-9]{1,15}( |$))*", re.ASCII)
_MARKUP = 14
"""Bytes per message, for the four tokens with which a chat template marks it."""


@dataclass(frozen=True)
class Lengths:
    """rows, total, longest: number of rows, bytes of all, bytes of the longest; 0 if only the total is known.

    buckets: (bucket, rows) in ascending order. basis: "" if all rows were measured, otherwise which, for display; rows
    and total are then extrapolated to all rows.
    """

    rows: int
    total: int
    longest: int
    buckets: tuple[tuple[int, int], ...] = ()
    basis: str = ""

    @property
    def mean(self) -> float:
        """Bytes of the average row."""
        return self.total / self.rows if self.rows else 0.0

    def spread(self) -> list[tuple[float, float]]:
        """Return (bytes, share of the rows) in ascending order. The shares add up to 1."""
        counted = sum(rows for _, rows in self.buckets)
        if not counted:
            return [(self.mean, 1.0)]
        return [(min(_middle(bucket), self.longest), rows / counted) for bucket, rows in self.buckets]

    def plain(self) -> dict[str, Any]:
        """Return a plain value for a file, of a few hundred characters."""
        buckets = " ".join(f"{bucket}:{rows}" for bucket, rows in self.buckets)
        return {"rows": self.rows, "total": self.total, "longest": self.longest, "buckets": buckets}

    @classmethod
    def from_plain(cls, value: object) -> Lengths | None:
        """Parse the output of `plain`; None if it is invalid."""
        if not isinstance(value, Mapping) or not isinstance(value.get("buckets"), str):
            return None
        rows, total, longest = (value.get(name) for name in ("rows", "total", "longest"))
        if not (_is_count(rows) and _is_count(total) and _is_count(longest)):
            return None
        if not _BUCKETS.fullmatch(value["buckets"]):
            return None
        pairs = [pair.partition(":") for pair in value["buckets"].split()]
        return cls(rows, total, longest, tuple((int(bucket), int(count)) for bucket, _, count in pairs))


class LengthMeter:
    """Measures rows one by one."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._total = 0
        self._longest = 0

    def add(self, size: int) -> None:
        """Add a row of this many bytes."""
        self._buckets[_bucket(size)] += 1
        self._total += size
        self._longest = max(self._longest, size)

    def lengths(self) -> Lengths:
        """Return the lengths of the rows so far."""
        return Lengths(self._buckets.total(), self._total, self._longest, tuple(sorted(self._buckets.items())))


def _bucket(size: int) -> int:
    return int(math.log2(size) * _STEPS) if size > 0 else 0


def _middle(bucket: int) -> float:
    return float(2 ** ((bucket + 0.5) / _STEPS))


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def row_size(row: Mapping[str, Any]) -> int:
    """Return the bytes of the texts of a row: of its messages with the markup of a chat template, or of its columns."""
    messages = row.get("messages")
    if messages is None:
        return sum(map(_size, filter(lambda value: isinstance(value, str), row.values())))
    return len(messages) * _MARKUP + sum(_size(message["content"]) for message in messages)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
