"""`take`: select rows of a source. The selection depends only on the seed and row numbers, never on the machine.

    take: 5%, take: 1000                  rows by rank, spread over the source
    take: {first: 5%}, {first: 1000}      the first rows, like a slice `[:5%]` of `datasets`
    take: {except: 10%}, {except: 200}    the rows that `take: 10%` or `take: 200` of the same seed leaves
    take: {every: 20}                     rows 0, 20, 40, ...
    take: {rows: 5%, by: block}           whole row groups of Parquet by rank: reads that share of the bytes

Every row number has a pseudo-random rank from (seed, number). A percentage takes the rows whose rank is below that
share, so the number of rows is approximate; a count takes exactly that many rows of lowest rank. A larger sample of
the same seed therefore contains the smaller one, and rows that are not taken need not be parsed.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError

__all__ = ["By", "Picked", "Selector", "Take", "rank"]

Selector = Callable[[int], bool]  # row number from 0 -> whether it is taken
_RANKS = 1 << 64
_LONGEST = 24  # characters of a number
_MOST = 10**15  # rows


class By(StrEnum):
    """How rows are selected."""

    RANK = "rank"
    EXCEPT = "except"
    """The rows that RANK does not select."""
    FIRST = "first"
    EVERY = "every"
    BLOCK = "block"


@dataclass(frozen=True)
class Picked:
    """The selected rows of one source. At most one field is set; none: all rows.

    row: by number, from 0. first: the number of first rows. block: Parquet row groups by number, from 0 over all files
    of the source.
    """

    row: Selector | None = None
    first: int | None = None
    block: Selector | None = None


@dataclass(frozen=True)
class Take:
    """How many rows: a share (0 < share <= 1), a count (at least 1), or, with neither, all; and how to select them.

    With By.EVERY, count is the stride; with By.EXCEPT, share or count is what is left out.
    """

    share: Fraction | None = None
    count: int | None = None
    by: By = By.RANK

    @classmethod
    def parse(cls, value: object) -> "Take":
        """Parse one of the forms above, or None for all. Raises InvalidSpecError for anything else."""
        if value is None:
            return cls()
        if isinstance(value, Mapping):
            return cls._of_mapping(value)
        found = _amount(value)
        if found is None:
            raise _wrong(f"take: {_quoted(value)} is not a percentage or a count")
        return cls() if _is_all(found) else cls(*_split(found))

    @classmethod
    def _of_mapping(cls, value: Mapping[Any, Any]) -> "Take":
        keys = set(value)
        if keys == {By.FIRST.value}:
            found = _amount(value["first"])
            if found is not None:
                return cls() if _is_all(found) else cls(*_split(found), By.FIRST)
        elif keys == {By.EXCEPT.value}:
            left_out = _amount(value["except"])
            if left_out is not None and not _is_all(left_out):
                return cls(*_split(left_out), By.EXCEPT)
        elif keys == {By.EVERY.value}:
            stride = _count(value["every"])
            if stride is not None:
                return cls() if stride == 1 else cls(count=stride, by=By.EVERY)
        elif keys == {"rows", "by"} and value["by"] == By.BLOCK.value:
            share = _share(str(value["rows"]).strip()) if isinstance(value["rows"], str) else None
            if share is not None:
                return cls() if share == 1 else cls(share=share, by=By.BLOCK)
        raise _wrong(f"take: {_quoted(dict(value))} is not a valid form")

    @property
    def everything(self) -> bool:
        """Whether all rows are taken."""
        return self.share is None and self.count is None

    @property
    def seeded(self) -> bool:
        """Whether the seed has an effect."""
        return not self.everything and (self.ranked or self.by is By.BLOCK)

    @property
    def ranked(self) -> bool:
        """Whether each row is selected by its own rank."""
        return self.by in (By.RANK, By.EXCEPT)

    @property
    def counts_rows(self) -> bool:
        """Whether the number of rows must be known before selecting the first one."""
        if self.by is By.FIRST:
            return self.share is not None
        return self.ranked and self.count is not None

    def plain(self) -> dict[str, Any] | None:
        """Return a plain value, the same for `5%` and `5.0%`; None for all rows."""
        amount: dict[str, Any] | None = None
        if self.share is not None:
            amount = {"percent": str(self.share * 100)}
        elif self.count is not None:
            amount = {"count": self.count}
        return amount if amount is None or self.by is By.RANK else {self.by.value: amount}

    def of(self, rows: int) -> int | None:
        """Return how many of that many rows are taken; None if it depends on their ranks or blocks."""
        if self.everything:
            return rows
        if self.by is By.FIRST:
            return self._prefix(rows)
        if self.by is By.EVERY:
            return -(-rows // (self.count or 1))
        if self.by is By.EXCEPT:
            return max(rows - self.count, 0) if self.count is not None else None
        return self.count if self.share is None else None

    def picked(self, seed: int, rows: Callable[[], int]) -> Picked:
        """Return the selection. rows: counts the source's rows; called only if `counts_rows`."""
        if self.everything:
            return Picked()
        if self.by is By.FIRST:
            return Picked(first=self._prefix(rows() if self.share is not None else 0))
        if self.by is By.EVERY:
            stride = self.count or 1
            return Picked(row=lambda number: number % stride == 0)
        selector = self._by_rank(seed, rows)
        if self.by is By.EXCEPT:
            return Picked(row=lambda number: not selector(number))
        return Picked(block=selector) if self.by is By.BLOCK else Picked(row=selector)

    def _by_rank(self, seed: int, rows: Callable[[], int]) -> Selector:
        if self.share is not None:
            limit = int(self.share * _RANKS)
            return lambda number: rank(seed, number) < limit
        lowest = heapq.nsmallest(self.count or 0, ((rank(seed, n), n) for n in range(rows())))
        last = lowest[-1] if lowest else (-1, -1)
        return lambda number: (rank(seed, number), number) <= last

    def _prefix(self, rows: int) -> int:
        """Round like the end of a slice in `datasets`: to nearest, ties to even."""
        return self.count if self.share is None else round(self.share * rows)  # type: ignore[return-value]

    def __str__(self) -> str:
        if self.everything:
            return "all"
        amount = f"{float(self.share * 100):g}%" if self.share is not None else str(self.count)
        match self.by:
            case By.FIRST:
                return f"first {amount}"
            case By.EXCEPT:
                return f"all except {amount}"
            case By.EVERY:
                return f"every {amount}th row"
            case By.BLOCK:
                return f"{amount} by block"
            case By.RANK:
                return amount


def rank(seed: int, number: int) -> int:
    """Return a uniformly distributed 64-bit number. Never change it: data versions depend on it."""
    return int.from_bytes(blake2b(b"%d:%d" % (seed, number), digest_size=8).digest(), "big")


def _is_all(amount: Fraction | int) -> bool:
    """Return whether it is 100%; the number 1 is a count."""
    return isinstance(amount, Fraction) and amount == 1


def _split(amount: Fraction | int) -> tuple[Fraction | None, int | None]:
    return (amount, None) if isinstance(amount, Fraction) else (None, amount)


def _amount(value: object) -> Fraction | int | None:
    """Parse a share or a count."""
    found = _count(value)
    return found if found is not None else _share(value.strip()) if isinstance(value, str) else None


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
        return value
    if isinstance(value, str):
        text = value.strip()
        if len(text) <= _LONGEST and text.isdecimal() and text.isascii() and 0 < int(text) <= _MOST:
            return int(text)
    return None


def _share(text: str) -> Fraction | None:
    number, percent, rest = text.partition("%")
    if not percent or rest or len(number) > _LONGEST:
        return None
    if not number.isascii() or not number.replace(".", "", 1).isdigit():
        return None
    share = Fraction(number) / 100 if not number.startswith(".") else Fraction("0" + number) / 100
    return share if 0 < share <= 1 else None


def _quoted(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _wrong(summary: str) -> InvalidSpecError:
    remedy = (
        "Valid forms: `take: 5%` (more than 0%, at most 100%), `take: 1000` (rows), `take: {first: 5%}`, "
        "`take: {except: 10%}`, `take: {every: 20}`, `take: {rows: 5%, by: block}`."
    )
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path="take", code="data-take")])
