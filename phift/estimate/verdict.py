"""Whether a training fits the memory of its GPUs and of its host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from phift.estimate.memory import GIB, SMALL_ROW, Breakdown, breakdown, cases, host_bytes
from phift.estimate.training import Training

__all__ = ["USABLE", "Memory", "Verdict", "memory_of", "of_card"]

USABLE = 0.98
"""Share of a card that a process can use."""
_LOW, _HIGH = 0.78, 1.15
"""Factors of the estimate below and above which public measurements do not lie."""


class Verdict(StrEnum):
    """Of a training. UNKNOWN: it depends on the lengths of the rows, which are not known yet."""

    FITS = "fits"
    TIGHT = "tight"
    CANNOT_FIT = "cannot fit"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Memory:
    """The memory of a training.

    low, high: bytes per GPU of the frugal and the costly case of what is open. card: bytes of a GPU. host_low,
    host_high: bytes of the host per node, 0 if DeepSpeed does not use it. host: bytes of a node; 0 if not known.
    tokens: padded tokens per row of the costly case. longest_fitting: tokens per row that fit in the costly case, if
    the lengths of the rows are not known.
    """

    verdict: Verdict
    low: Breakdown
    high: Breakdown
    card: float
    host_low: float
    host_high: float
    host: float
    tokens: int
    longest_fitting: int | None = None

    @property
    def card_is_short(self) -> bool:
        """Whether the memory of the GPU, rather than that of the host, decides the verdict."""
        return self.verdict is of_card(self.low.total, self.high.total, self.card)

    def plain(self) -> dict[str, Any]:
        """Return the values for the plan, in GiB per GPU and per node."""
        plain: dict[str, Any] = {
            "verdict": self.verdict.value,
            "per_gpu_gib": _range(self.low.total, self.high.total),
            "gpu_gib": round(self.card / GIB, 1),
            "parts_gib": self.high.parts(),
            "row_tokens": self.tokens,
        }
        if self.longest_fitting is not None:
            plain["fitting_row_tokens"] = self.longest_fitting
        if self.host_high:
            plain |= {"per_node_gib": _range(self.host_low, self.host_high), "node_gib": round(self.host / GIB)}
        return plain


def memory_of(training: Training) -> Memory | None:
    """Return the memory of a training; None if its model or its GPU is not known."""
    shape, gpu = training.architecture, training.gpu
    if shape is None or gpu is None:
        return None
    card, host = gpu.memory_gib * GIB, float(training.host_gib * GIB)
    shortest, longest = _lengths(training)
    frugal, costly = cases(training, shortest, longest)
    low, high = breakdown(training, shape, frugal), breakdown(training, shape, costly)
    host_low, host_high = host_bytes(training, shape)
    verdict = _worst(of_card(low.total, high.total, card), _of_host(host_low, host_high, host))
    fitting = None
    known = training.pads or (training.rows is not None and training.rows.longest is not None)
    if not known and verdict is not Verdict.FITS:
        fitting = _longest_fitting(training, card, longest)
        if verdict is Verdict.TIGHT and fitting is not None:
            verdict = _worst(Verdict.UNKNOWN, _of_host(host_low, host_high, host))
    return Memory(verdict, low, high, card, host_low, host_high, host, longest, fitting)


def _lengths(training: Training) -> tuple[int, int]:
    """Return the tokens per row, padded, of the fullest batch: in the frugal case and in the costly one."""
    limit = training.limit
    if training.pads and limit is not None:
        return limit, limit
    if training.rows is not None and training.rows.longest is not None:
        return training.rows.longest
    most = limit or SMALL_ROW
    return min(SMALL_ROW, most), most


def _longest_fitting(training: Training, card: float, most: int) -> int | None:
    """Return the largest number of tokens per row that fits in the costly case; None if no row does."""
    assert training.architecture is not None
    shape, found, below, above = training.architecture, None, 1, most
    while below <= above:
        middle = (below + above) // 2
        _, costly = cases(training, middle, middle)
        if _HIGH * breakdown(training, shape, costly).total <= USABLE * card:
            found, below = middle, middle + 1
        else:
            above = middle - 1
    return found


def of_card(low: float, high: float, card: float) -> Verdict:
    """Return the verdict on the memory of a card. low, high: estimates of the frugal and the costly case; in bytes."""
    if _LOW * low > USABLE * card:
        return Verdict.CANNOT_FIT
    return Verdict.TIGHT if _HIGH * high > USABLE * card else Verdict.FITS


def _of_host(low: float, high: float, host: float) -> Verdict:
    if not host or high <= host:
        return Verdict.FITS
    return Verdict.CANNOT_FIT if low > host else Verdict.TIGHT


def _worst(*verdicts: Verdict) -> Verdict:
    order = (Verdict.FITS, Verdict.UNKNOWN, Verdict.TIGHT, Verdict.CANNOT_FIT)
    return max(verdicts, key=order.index)


def _range(low: float, high: float) -> list[float]:
    return [round(low / GIB, 1), round(high / GIB, 1)]
