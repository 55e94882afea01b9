"""`take`: which rows of a source are used. A sample depends on the seed and on row numbers, never on the machine.

Every row number gets a pseudo-random rank from (seed, number). A percentage takes the rows whose rank lies under that
share, so the number of rows is near it, not exact; a count takes the rows of lowest rank, exactly so many. So a larger
sample of the same seed contains the smaller one, and rows that are not taken need not be parsed.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b

from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError

__all__ = ["Selector", "Take", "rank"]

Selector = Callable[[int], bool]  # row number from 0 -> is it taken
_RANKS = 1 << 64


@dataclass(frozen=True)
class Take:
    """How many rows: a share (0 < share <= 1), a count (at least 1), or, with neither, all of them."""

    share: Fraction | None = None
    count: int | None = None

    @classmethod
    def parse(cls, value: object) -> "Take":
        """From `5%`, `12.5%`, a positive count, or None for all. Raises InvalidSpecError on anything else."""
        if value is None:
            return cls()
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return cls(count=value)
        if isinstance(value, str):
            text = value.strip()
            if text.isdecimal() and text.isascii() and int(text) > 0:
                return cls(count=int(text))
            share = _share(text)
            if share is not None:
                return cls() if share == 1 else cls(share=share)
        raise InvalidSpecError(
            [
                Diagnostic(
                    f"take: {value!r} is neither a percentage nor a count",
                    remedy="Write `take: 5%` (more than 0%, at most 100%), or `take: 1000` for that many rows.",
                    path="take",
                    code="data-take",
                )
            ]
        )

    @property
    def everything(self) -> bool:
        return self.share is None and self.count is None

    def plain(self) -> dict[str, str | int] | None:
        """A plain value, the same for `5%` and `5.0%`; None for all rows."""
        if self.share is not None:
            return {"percent": str(self.share * 100)}
        return None if self.count is None else {"count": self.count}

    def selector(self, seed: int, rows: Callable[[], int]) -> Selector:
        """The rows taken. rows: counts the source's rows; called only for a count."""
        if self.share is not None:
            limit = int(self.share * _RANKS)
            return lambda number: rank(seed, number) < limit
        if self.count is not None:
            lowest = heapq.nsmallest(self.count, ((rank(seed, n), n) for n in range(rows())))
            last = lowest[-1] if lowest else (-1, -1)
            return lambda number: (rank(seed, number), number) <= last
        return lambda number: True

    def __str__(self) -> str:
        if self.share is not None:
            return f"{float(self.share * 100):g}%"
        return "all" if self.count is None else str(self.count)


def rank(seed: int, number: int) -> int:
    """An evenly spread 64-bit number, fixed for ever: data versions depend on it."""
    return int.from_bytes(blake2b(b"%d:%d" % (seed, number), digest_size=8).digest(), "big")


def _share(text: str) -> Fraction | None:
    number, percent, rest = text.partition("%")
    if not percent or rest or not number.isascii() or not number.replace(".", "", 1).isdigit():
        return None
    share = Fraction(number) / 100 if not number.startswith(".") else Fraction("0" + number) / 100
    return share if 0 < share <= 1 else None
