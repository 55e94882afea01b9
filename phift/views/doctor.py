"""What `phift doctor` found: as text and as JSON."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from phift.views.base import PLAIN, Style
from phift.views.json import document

if TYPE_CHECKING:
    from phift.phases.run_doctor import Diagnosis

__all__ = ["json", "text"]

_PAINT = {"holds": Style.green, "differs": Style.red, "not checked": Style.yellow}
_PLURAL = {"holds": "hold", "differs": "differ"}
_WIDE = 13
"""Columns of the result."""


def text(found: Diagnosis, *, style: Style = PLAIN) -> str:
    """Return a line for each fact with what was read, and the count. Says what a fact is for if it does not hold."""
    lines = [f"Stack {style.bold(found.stack)} in workspace {style.bold(found.workspace)}", ""]
    below = " " * _WIDE
    for fact in found.facts:
        said = textwrap.wrap(fact.statement, max(style.width - _WIDE, 30), break_on_hyphens=False)
        lines.append(_PAINT[fact.result](style, f"{fact.result:<{_WIDE}}") + said[0])
        lines += [below + line for line in said[1:]]
        told = [f"{fact.seen} ({fact.source})"] + ([fact.matters] if fact.result == "differs" else [])
        for one in told:
            lines += [style.dim(line) for line in textwrap.wrap(one, style.width, initial_indent=f"{below}  ",
                      subsequent_indent=f"{below}  ", break_on_hyphens=False, break_long_words=False)]  # fmt: skip
    results = [fact.result.value for fact in found.facts]
    counts = ", ".join(
        f"{count} {word if count == 1 else _PLURAL.get(word, word)}"
        for word in _PAINT
        if (count := results.count(word))
    )
    return "\n".join([*lines, "", style.bold(f"{len(results)} facts: {counts}.")])


def json(found: Diagnosis) -> str:
    """Return the redacted recording, which contains the facts."""
    return document(found.recording)
