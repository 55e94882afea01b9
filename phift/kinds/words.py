"""The texts of a kind, as data: names of actions, lines of status, results of an apply. Without styling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

__all__ = [
    "ResultBlock",
    "StatusText",
    "Words",
    "exact_matches",
    "is_right",
    "joined",
    "number",
    "plain_status",
    "plural",
]


@dataclass(frozen=True)
class Words:
    """The words for an action. legend: of its symbol. planned: after the address in a plan. doing, still, done: in the
    live lines of an apply."""

    legend: str
    planned: str
    doing: str
    still: str
    done: str


@dataclass
class StatusText:
    """The data of a row of `phift status`. facts: of the live object; the kind removes what it shows.

    shares: traffic in per cent by lower-case deployment name. missing: whether the object does not exist.
    """

    identity: str
    facts: dict[str, Any]
    shares: Mapping[str, Any] = field(default_factory=dict)
    missing: bool = False


@dataclass(frozen=True)
class ResultBlock:
    """A block at the end of an apply. text: after the title. rows: a table below it. answers: rows of a test, some of
    which are shown."""

    title: str
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()
    answers: Sequence[Mapping[str, Any]] = ()


def plain_status(row: StatusText) -> list[str]:
    """Return no lines."""
    return []


def plural(count: Any, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} {noun}" if str(count) == "1" else f"{count} {noun}s"


def joined(*parts: str) -> str:
    """Join the non-empty parts with commas."""
    return ", ".join(part for part in parts if part)


def number(amount: float) -> str:
    """Format a measured number with at most four significant digits; whole numbers unchanged. `nan`, `inf`."""
    if not isfinite(amount):
        return str(amount)
    if amount == int(amount) and abs(amount) < 1e15:
        return str(int(amount))
    return f"{amount:,.0f}" if 1000 <= abs(amount) < 1e15 else f"{amount:.4g}"


def exact_matches(results: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the number of answers that equal their ground truth, and the number with a ground truth."""
    known = [r for r in results if r.get("ground_truth")]
    return sum(is_right(r) for r in known), len(known)


def is_right(result: Mapping[str, Any]) -> bool:
    """Return whether the answer equals the ground truth, apart from surrounding white space."""
    return str(result.get("answer", "")).strip() == str(result.get("ground_truth", "")).strip()
