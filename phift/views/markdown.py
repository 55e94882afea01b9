"""A plan as a comment on a pull request: a table, the text folded away, and a marker to find and update it by."""

from __future__ import annotations

import re

from phift.diagnostics import Diagnostic
from phift.plan.model import Plan, PlannedResource
from phift.views.base import PLAIN, Style
from phift.views.human import plan as text
from phift.views.human.values import cut
from phift.views.human.words import fate

__all__ = ["LIMIT", "marker", "plan"]

LIMIT = 65_000
"""Characters, below GitHub's 65,536 for a comment."""

_ROWS = 200
"""Rows of the table; with names and reasons cut they stay below half of the limit."""

_SYMBOL = re.compile(r"^( *)(-/\+|<=|[+~.-])(?= )", re.MULTILINE)
_DIFF_SIGNS = {"~": "!", "-/+": "!", "<=": " ", ".": " "}


def marker(stack: str) -> str:
    """The comment's first line, by which a later plan of the same stack finds and replaces it."""
    return f"<!-- phift-plan:{stack} -->"


def plan(planned: Plan, *, style: Style = PLAIN, summary: bool = False, show_unchanged: bool = False) -> str:
    """Below `LIMIT` characters whatever the plan. With summary without the folded text. style is not used."""
    shown = [r for r in planned.resources if r.action.changes_something or show_unchanged]
    parts = [
        f"{marker(planned.stack)}\n### phift plan: `{planned.stack}` on `{planned.target}`",
        f"**{text.count_line(planned)}**",
        *_remarks(planned),
    ]
    if shown:
        parts.append(_table(shown))
    if shown and not summary:
        room = LIMIT - len("\n\n".join(parts)) - 600
        parts.append(_folded(text.render(planned, show_unchanged=show_unchanged), room))
    parts.append(f"<sub>{_escape(planned.spec_path)}, planned {planned.created}</sub>")
    return "\n\n".join(parts)


def _remarks(planned: Plan) -> list[str]:
    said = [_warning(w) for w in planned.warnings] + [f"**Note:** {_escape(note)}" for note in planned.notes]
    lines = [f"> {cut(' '.join(line.split()), 400)}" for line in said[:20]]
    if len(said) > 20:
        lines.append(f"> and {len(said) - 20} more")
    return [" \n>\n".join(lines)] if lines else []


def _warning(warning: Diagnostic) -> str:
    where = f" ({warning.mark or warning.address})" if warning.mark or warning.address else ""
    return (
        f"**Warning:** {_escape(' '.join(p for p in (warning.summary + where, warning.detail, warning.remedy) if p))}"
    )


def _table(shown: list[PlannedResource]) -> str:
    rows = ["| | resource | name | what and why |", "|---|---|---|---|"]
    for resource in shown[:_ROWS]:
        why = f"{fate(resource)}: {resource.reason}" if resource.reason else fate(resource)
        symbol = f"`{resource.action.symbol}`" if resource.action.symbol.strip() else ""
        name = _escape(cut(resource.identity, 60))
        rows.append(f"| {symbol} | `{resource.address}` | {name} | {_escape(cut(why, 90))} |")
    if len(shown) > _ROWS:
        rows.append(f"| | {len(shown) - _ROWS} more | | |")
    return "\n".join(rows)


def _folded(body: str, room: int) -> str:
    """The text as a diff, so that it has colours: the symbols go to the first column."""
    moved = _SYMBOL.sub(lambda m: _DIFF_SIGNS.get(m[2], m[2]) + m[1] + " " * (len(m[2]) - 1), body)
    if len(moved) > room:
        moved = (
            moved[: moved.rfind("\n", 0, max(room - 100, 0))]
            + "\n\n... cut here: the whole plan is longer than a comment may be"
        )
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", moved)), 3)
    return f"<details><summary>Show the plan</summary>\n\n{fence}diff\n{moved}\n{fence}\n\n</details>"


def _escape(said: str) -> str:
    return said.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")
