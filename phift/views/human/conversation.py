"""Questions and answers, with the ground truth next to each answer.

1  What is the capital of Peru?                                          0.2s
   answer                              ground truth (the same)
   The capital of Peru is Lima.        The capital of Peru is Lima.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from phift.kinds.words import is_right, plural
from phift.views.base import PLAIN, Style
from phift.views.human.values import duration

__all__ = ["conversation", "printable"]

_GAP = 2
_NARROW = 28
"""Minimum columns of a cell; in narrower terminals, the ground truth goes below the answer."""


def conversation(
    results: Iterable[Mapping[str, Any]], *, style: Style = PLAIN, indent: int = 2, lines: int = 0
) -> list[str]:
    """Return one block per result (see `phift.phases.Answered.to_dict`), separated by empty lines.

    lines: show at most this many lines of a text, followed by the number of hidden lines; 0 shows all.
    """
    rows = list(results)
    wide = len(str(len(rows)))
    drawn: list[str] = []
    for number, result in enumerate(rows, 1):
        head = f"{' ' * indent}{number:>{wide}}{' ' * _GAP}"
        drawn += [*([""] if drawn else []), *_block(result, head, style, lines)]
    return drawn


def printable(text: str) -> str:
    """Return the text without control characters."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text.expandtabs(4))


def _block(result: Mapping[str, Any], head: str, style: Style, lines: int) -> list[str]:
    pad, room = " " * len(head), style.width - len(head)
    took = duration(float(result.get("seconds") or 0))
    asked = _cell(str(result.get("prompt", "")), room - len(took) - _GAP, lines)
    first = f"{asked[0]:<{room - len(took) - _GAP}}{' ' * _GAP}"
    drawn = [head + style.bold(first) + style.dim(took), *(pad + style.bold(line) for line in asked[1:])]
    if error := result.get("error"):
        return drawn + [pad + style.red(line) for line in _cell(f"no answer: {error}", room, lines)]
    answer, truth = str(result.get("answer", "")) or "(an empty answer)", str(result.get("ground_truth") or "")
    if not truth:
        return drawn + [pad + line for line in _cell(answer, room, lines)]
    title = f"ground truth ({'the same' if is_right(result) else 'differs'})"
    column = (room - _GAP) // 2
    if column < _NARROW:
        for name, text in (("answer", answer), (title, truth)):
            drawn += [pad + style.dim(name), *(pad + line for line in _cell(text, room, lines))]
        return drawn
    drawn.append(f"{pad}{style.dim('answer'.ljust(column))}{' ' * _GAP}{style.dim(title)}")
    left, right = _cell(answer, column, lines), _cell(truth, column, lines)
    for n in range(max(len(left), len(right))):
        one, other = left[n] if n < len(left) else "", right[n] if n < len(right) else ""
        drawn.append(f"{pad}{one:<{column}}{' ' * _GAP}{other}".rstrip())
    return drawn


def _cell(text: str, width: int, lines: int) -> list[str]:
    """Wrap the text at a width, keeping its line ends."""
    wrapped = [
        line for part in printable(text).strip().split("\n") for line in (textwrap.wrap(part, max(width, 16)) or [""])
    ]
    if lines and len(wrapped) > lines:
        return [*wrapped[: lines - 1], f"({plural(len(wrapped) - lines + 1, 'more line')})"[:width]]
    return wrapped
