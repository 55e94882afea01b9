"""The texts of a kind, as data: names of actions, lines of status, results of an apply. Nothing here is painted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """What an action is called: legend of its symbol; planned, behind the address in a plan; doing, still and done, of
    the live lines."""

    legend: str
    planned: str
    doing: str
    still: str
    done: str


@dataclass
class StatusText:
    """What `phift status` knows of a row. facts: of the live object; what the kind has shown of them it removes.

    shares: per cent of the traffic by deployment, in lower case. missing: whether there is no object.
    """

    identity: str
    facts: dict[str, Any]
    shares: Mapping[str, Any] = field(default_factory=dict)
    missing: bool = False


@dataclass(frozen=True)
class ResultBlock:
    """A block below the last line of an apply. title; text: behind it; rows: a table below it; answers: rows of a test,
    of which some are shown."""

    title: str
    text: str = ""
    rows: Sequence[tuple[str, str]] = ()
    answers: Sequence[Mapping[str, Any]] = ()


def plain_status(row: StatusText) -> list[str]:
    """No line of its own."""
    return []


def plural(count: Any, one: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} {one}" if str(count) == "1" else f"{count} {one}s"


def joined(*parts: str) -> str:
    """The parts that say something, with commas."""
    return ", ".join(part for part in parts if part)


def number(amount: float) -> str:
    """A measured number with four significant digits at most; whole numbers as such."""
    if amount == int(amount) and abs(amount) < 1e15:
        return str(int(amount))
    return f"{amount:,.0f}" if 1000 <= abs(amount) < 1e15 else f"{amount:.4g}"


def exact_matches(results: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """How many answers equal their ground truth, and how many have one."""
    known = [r for r in results if r.get("ground_truth")]
    return sum(is_right(r) for r in known), len(known)


def is_right(result: Mapping[str, Any]) -> bool:
    return str(result.get("answer", "")).strip() == str(result.get("ground_truth", "")).strip()
