"""`phift invoke`: a single answer, or a table of questions, answers and ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phift.kinds.words import exact_matches
from phift.views.base import PLAIN, Style
from phift.views.human.conversation import conversation, printable
from phift.views.human.values import duration, note

__all__ = ["answer", "table", "took"]


def answer(text: str) -> str:
    """Return an answer without control characters."""
    return printable(text) or "(an empty answer)"


def took(seconds: float, *, style: Style = PLAIN) -> str:
    """Return the duration of an answer."""
    return style.dim(f"({duration(seconds)})")


def table(results: Sequence[Mapping[str, Any]], *, style: Style = PLAIN) -> str:
    """Return every question and answer in full, and the number of exact matches."""
    drawn = conversation(results, style=style, indent=0)
    drawn += ["", *(note(said, style) for said in dict.fromkeys(r["note"] for r in results if r.get("note")))]
    while not drawn[-1]:
        drawn.pop()
    same, known = exact_matches(results)
    if known:
        drawn += ["", f"{style.bold('Exact match')} {same} of {known}"]
    return "\n".join(drawn)
