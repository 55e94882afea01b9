"""Diagnostic codes, explained."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby

from phift.explain import Explanation
from phift.views.base import PLAIN, Style

__all__ = ["listing", "render"]


def render(one: Explanation, *, style: Style = PLAIN) -> str:
    """Return the explanation of a code."""
    parts = [
        _filled(f"{one.code}: {one.title}", style, bold=True),
        _filled(one.means, style),
        _filled(f"Why: {one.why}", style),
        "Example:",
        textwrap.indent(one.bad, "    "),
        _filled(f"Fix: {one.fix}", style),
        textwrap.indent(one.good, "    "),
    ]
    return "\n\n".join(parts)


def listing(several: Iterable[Explanation], *, style: Style = PLAIN) -> str:
    """Return all codes with their titles, grouped by area."""
    found = list(several)
    wide = max(len(one.code) for one in found)
    parts = []
    for area, group in groupby(found, key=lambda one: one.area):
        lines = [style.bold(f"{area}:")]
        for one in group:
            lines += textwrap.wrap(
                one.title, style.width, initial_indent=f"  {one.code:{wide}}  ", subsequent_indent=" " * (wide + 4)
            )
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, "To explain a code, run: phift explain CODE"])


def _filled(text: str, style: Style, *, bold: bool = False) -> str:
    lines = textwrap.wrap(" ".join(text.split()), style.width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(style.bold(line) if bold else line for line in lines)
