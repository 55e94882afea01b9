"""Texts about a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.kinds.words import ResultBlock, Words, exact_matches
from phift.plan.action import Action

__all__ = ["WORDS", "result"]

WORDS = {Action.RUN: Words("run (a test)", "will be run", "Testing...", "Still testing...", "Passed")}


def result(outputs: Mapping[str, Any], local: bool) -> ResultBlock:
    """Return the number of answers that equal the ground truth, and some of the answers."""
    answers = list(outputs.get("results") or ())
    same, known = exact_matches(answers)
    passed = f"{same} of {known} answers equal the ground truth" if known else "passed"
    return ResultBlock("Test", f"{outputs.get('name', '')}: {passed}", answers=answers)
