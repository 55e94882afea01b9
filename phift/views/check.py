"""The result of `phift check`, line by line and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from phift.phases.check_stack import NAMES, Checked, Outcome
from phift.views.base import PLAIN, Style
from phift.views.human.values import note
from phift.views.json import document

__all__ = ["Head", "as_json", "count", "elsewhere", "head", "line"]

_PAINT = {Outcome.OK: Style.green, Outcome.FAILED: Style.red, Outcome.SKIPPED: Style.dim}
_OUTCOMES = max(len(outcome) for outcome in Outcome) + 2
_NAMES = max(map(len, NAMES)) + 2


class Head(NamedTuple):
    """What is checked. rehearsed: whether jobs and deployments are."""

    stack: str
    target: str
    rehearsed: bool


def head(found: Head, *, style: Style = PLAIN) -> str:
    """Return what is checked, and where."""
    how = "jobs and deployments are rehearsed" if found.rehearsed else "jobs really train"
    text = f"Checking stack {found.stack} (target {found.target}) on an emulator of its own; {how}."
    return "\n".join(textwrap.wrap(text, style.width)) + "\n"


def line(found: Checked, *, style: Style = PLAIN) -> str:
    """Return the outcome of one check, and below it what differs."""
    below = " " * (_OUTCOMES + _NAMES)
    told = textwrap.wrap(found.detail, max(style.width - len(below), 30), break_on_hyphens=False)
    outcome = _PAINT[found.outcome](style, f"{found.outcome:<{_OUTCOMES}}")
    lines = [f"{outcome}{found.name:<{_NAMES}}{told[0]}", *(below + text for text in told[1:])]
    room = max(style.width - _OUTCOMES - 2, 30)
    for difference in found.differences:
        wrapped = [part for text in difference.splitlines() for part in textwrap.wrap(text, room)]
        lines += [" " * _OUTCOMES + ("  " if number else "- ") + text for number, text in enumerate(wrapped)]
    return "\n".join(lines)


def elsewhere(names: Sequence[str], *, style: Style = PLAIN) -> str:
    """Return the note that the spec refers to objects of a workspace, which a check does not have."""
    shown = ", ".join(dict.fromkeys(names))
    return note(
        f"the spec refers to objects of a workspace, which the emulator of a check does not have: {shown}. "
        "Replace them in a target, and check that one: --target NAME.",
        style,
    )


def count(found: Sequence[Checked], *, style: Style = PLAIN) -> str:
    """Return the last line: the number of checks by outcome."""
    numbers = {outcome: sum(one.outcome is outcome for one in found) for outcome in Outcome}
    return "\n" + style.bold(", ".join(f"{number} {outcome}" for outcome, number in numbers.items() if number) + ".")


def as_json(what: Head, found: Sequence[Checked]) -> str:
    """Return the checks with their outcomes."""
    return document(
        {
            "format_version": "1.0",
            "stack": what.stack,
            "target": what.target,
            "rehearsed": what.rehearsed,
            "checks": [
                {
                    "name": one.name,
                    "outcome": one.outcome,
                    "detail": one.detail,
                    "differences": list(one.differences),
                }
                for one in found
            ],
        }
    )
