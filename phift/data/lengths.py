"""The lengths of the rows of a split, as a small histogram: it gives the mean, the longest, and the longest of a batch.

In bytes of UTF-8, which follow the number of tokens better than characters do for text that is not English. Buckets are
a twelfth of an octave wide (6 %), so that a split of any size has a few dozen of them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["LengthMeter", "Lengths"]

_STEPS = 12  # buckets per octave


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
        """Return a plain value for a file. Lengths of a part of the rows are not stored."""
        return {
            "rows": self.rows,
            "total": self.total,
            "longest": self.longest,
            "buckets": {str(bucket): rows for bucket, rows in self.buckets},
        }

    @classmethod
    def from_plain(cls, value: object) -> Lengths | None:
        """Parse the output of `plain`; None if it is invalid."""
        if not isinstance(value, Mapping) or not isinstance(value.get("buckets"), Mapping):
            return None
        numbers = [value.get("rows"), value.get("total"), value.get("longest"), *value["buckets"].values()]
        names = value["buckets"].keys()
        if not all(type(number) is int and number >= 0 for number in numbers):
            return None
        if not all(isinstance(name, str) and name.isdecimal() for name in names):
            return None
        buckets = sorted((int(name), rows) for name, rows in value["buckets"].items())
        return cls(value["rows"], value["total"], value["longest"], tuple(buckets))


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
