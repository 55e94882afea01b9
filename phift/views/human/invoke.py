"""`phift invoke`: an answer by itself, or a table of questions with their ground truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phift.kinds.words import exact_matches
from phift.views.base import PLAIN, Style
from phift.views.human.conversation import conversation, printable
from phift.views.human.values import duration

__all__ = ["answer", "table", "took"]


def answer(result: Mapping[str, Any]) -> str:
    """The answer as it came, but for characters that would steer a terminal."""
    return printable(str(result["answer"])) or "(an empty answer)"


def took(result: Mapping[str, Any], *, style: Style = PLAIN) -> str:
    """How long it took."""
    return style.dim(f"({duration(float(result['seconds']))})")


def table(results: Sequence[Mapping[str, Any]], *, style: Style = PLAIN) -> str:
    """Every question, whole, and how many answers equal the ground truth."""
    drawn = conversation(results, style=style, indent=0)
    same, known = exact_matches(results)
    if known:
        drawn += ["", f"{style.bold('Exact match')} {same} of {known}"]
    return "\n".join(drawn)
