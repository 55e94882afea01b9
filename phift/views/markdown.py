"""A plan as a pull request comment: a table, the full text collapsed, and a marker to find and update it.

Names from a spec, a file or a workspace are untrusted (anybody may open a pull request): markdown_text.py escapes them.
"""

from __future__ import annotations

import re
from dataclasses import replace

from phift.diagnostics import Diagnostic
from phift.inert import inert
from phift.plan.action import Purpose
from phift.plan.cost import Cost
from phift.plan.model import Plan, PlannedResource
from phift.views.base import NO_OPTIONS, PLAIN, PlanOptions
from phift.views.harmless import harmless
from phift.views.human import plan as text
from phift.views.human.values import cut
from phift.views.human.words import planned_phrase
from phift.views.markdown_text import code, escaped, html

__all__ = ["LIMIT", "folded", "marker", "plan", "plan_text", "remarks"]

LIMIT = 65_000
"""Maximum characters of a comment, below GitHub's limit of 65,536."""

_TABLE_ROOM = 30_000
"""Maximum characters of the table; rows that do not fit are counted."""

_COST_ROWS = 50

_DIFF_ROOM = 16_000
"""Maximum characters of the spec's diff, so that the plan has room."""

_NOT_A_NAME = re.compile(r"[^a-z0-9*-]|--+")
"""Characters that no stack name contains, and that would end the marker."""

_SYMBOL = re.compile(r"^( *)(-/\+|<=|[+~.-])(?= )", re.MULTILINE)
_DIFF_SIGNS = {"~": "!", "-/+": "!", "<=": " ", ".": " "}


def marker(stack: str) -> str:
    """Return the comment's first line, which identifies it for updates by later plans of the stack."""
    return f"<!-- phift-plan:{_NOT_A_NAME.sub('', stack)} -->"


def plan(
    planned: Plan,
    options: PlanOptions = NO_OPTIONS,
    *,
    spec_diff: str | None = None,
    base: str = "",
) -> str:
    """Return at most `LIMIT` characters. The summary leaves out the collapsed text.

    spec_diff: the unified diff of the rendered spec against the Git ref `base`; empty if they are equal.
    """
    shown = [harmless(r) for r in planned.resources if r.action.changes_something or options.show_unchanged]
    planned = replace(harmless(replace(planned, resources=())), resources=planned.resources)
    parts = [
        f"{marker(planned.stack)}\n### phift plan: {code(cut(planned.stack, 80))} on {code(cut(planned.target, 80))}",
        f"**{text.count_line(planned)}**",
        *remarks(planned),
    ]
    if shown:
        parts.append(_table(shown))
    if planned.cost is not None:
        parts.append(_cost(planned.cost, planned.purpose))
    if shown and not options.summary:
        room = LIMIT - len("\n\n".join(parts)) - 600 - (min(len(spec_diff), _DIFF_ROOM) + 600 if spec_diff else 0)
        whole = plan_text(replace(planned, cost=None), options)
        parts.append(folded("Show the plan", whole, room))
    if spec_diff is not None and not options.summary:
        ref = cut(base, 100)
        title = f"Show changes of the rendered spec since {ref}"
        told = f"The rendered spec is unchanged since {escaped(ref)}."
        parts.append(folded(title, inert(spec_diff, keep="\n"), _DIFF_ROOM) if spec_diff else told)
    parts.append(f"<sub>{html(cut(planned.spec_path, 200))}, planned {html(cut(planned.created, 40))}</sub>")
    return "\n\n".join(parts)


def plan_text(planned: Plan, options: PlanOptions) -> str:
    """Return the human plan as a diff."""
    whole = text.render(planned, PlanOptions(PLAIN, False, options.show_unchanged, options.show_suppressed))
    return _SYMBOL.sub(_to_the_front, whole)


def remarks(planned: Plan) -> list[str]:
    """Return warnings and notes as one block quote; empty if there are none."""
    planned = harmless(replace(planned, resources=()))
    said = [("Warning", _words(w)) for w in planned.warnings] + [("Note", note) for note in planned.notes]
    lines = [f"> **{kind}:** {escaped(cut(' '.join(words.split()), 400))}" for kind, words in said[:20]]
    if len(said) > 20:
        lines.append(f"> and {len(said) - 20} more")
    return [" \n>\n".join(lines)] if lines else []


def _words(warning: Diagnostic) -> str:
    where = f" ({warning.mark or warning.address})" if warning.mark or warning.address else ""
    return " ".join(p for p in (warning.summary + where, warning.detail, warning.remedy) if p)


def _table(shown: list[PlannedResource]) -> str:
    rows = ["| | resource | name | action and reason |", "|---|---|---|---|"]
    room = _TABLE_ROOM - len(rows[0])
    for count, resource in enumerate(shown):
        why = f"{planned_phrase(resource)}: {resource.reason}" if resource.reason else planned_phrase(resource)
        symbol = f"`{resource.action.symbol}`" if resource.action.symbol.strip() else ""
        name = escaped(cut(resource.identity, 60), cell=True)
        address = code(cut(str(resource.address), 80), cell=True)
        row = f"| {symbol} | {address} | {name} | {escaped(cut(why, 90), cell=True)} |"
        room -= len(row) + 1
        if room < 0:
            rows.append(f"| | {len(shown) - count} more | | |")
            break
        rows.append(row)
    return "\n".join(rows)


def _cost(cost: Cost, purpose: Purpose) -> str:
    from phift.views.human import cost as block

    found = list(block.rows(cost))
    rows = ["| | billed | USD | |", "|---|---|---|---|"]
    rows += [
        f"| {code(cut(r.label, 80), cell=True)} | " + " | ".join(escaped(cut(t, 160), cell=True) for t in r[1:]) + " |"
        for r in found[:_COST_ROWS]
    ]
    if len(found) > _COST_ROWS:
        rows.append(f"| | {len(found) - _COST_ROWS} more | | |")
    said = [escaped(cut(text, 400)) for text in (block.totals(cost, purpose), *cost.notes)]
    return "\n".join([f"**{escaped(block.title(cost))}**", "", *rows, "", *said])


def _to_the_front(symbol: re.Match[str]) -> str:
    """Move the plan's symbol to the first column, where Markdown colours it as a diff."""
    return _DIFF_SIGNS.get(symbol[2], symbol[2]) + symbol[1] + " " * (len(symbol[2]) - 1)


def folded(title: str, body: str, room: int) -> str:
    """Return the text as a collapsed diff, cut at a line end if it is too long."""
    if len(body) > room:
        end = body.rfind("\n", 0, max(room - 100, 0))
        body = body[: max(end, 0)] + "\n\n... truncated: exceeds the maximum length of a comment"
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", body)), 3)
    return f"<details><summary>{html(title)}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>"
