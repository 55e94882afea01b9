"""Comments and summaries of what happened after a merge: why nothing was applied, or what drifted since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from phift.errors import PhiftError
from phift.kinds.words import plural
from phift.plan.approval import Deviation
from phift.views.human.drift import render as drift_text
from phift.views.human.values import cut
from phift.views.markdown import LIMIT
from phift.views.markdown_parts import details
from phift.views.markdown_text import code, escaped, fenced, html

if TYPE_CHECKING:
    from phift.phases import StackDrift

__all__ = ["drift_issue", "drift_title", "no_drift", "stopped"]

_MOST = 100
_NOTE_ROOM = 1_000


def stopped(marker: str, error: PhiftError, found: Sequence[Deviation], run_url: str) -> str:
    """Return the comment on a pull request whose plan was not applied. marker: the first line."""
    lines = [f"- {_deviation(one)}" for one in found[:_MOST]]
    if len(found) > _MOST:
        lines.append(f"- {len(found) - _MOST} more")
    parts = [
        f"{marker}\n### phift apply: stopped, nothing was changed",
        f"**{escaped(cut(error.summary, 300))}.**",
        *(["\n".join(lines)] if lines else [escaped(cut(error.detail, 1000))] if error.detail else []),
        *filter(None, [escaped(cut(error.remedy, 600))]),
        f"<sub>[the run]({run_url})</sub>",
    ]
    return "\n\n".join(parts)


def drift_title(found: Sequence[StackDrift]) -> str:
    """Return the title of the issue. Names of stacks have letters, digits and hyphens only."""
    names = [one.stack for one in found if one.found]
    return f"phift: drift in {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def drift_issue(marker: str, found: Sequence[StackDrift], run_url: str) -> str:
    """Return the body of the issue, at most `LIMIT` characters: each stack with drift, collapsed. marker: the first
    line."""
    parts = [
        f"{marker}\nResources were changed outside phift since the last apply, or a job is overdue. "
        "`phift apply` restores what the spec sets; to keep a change, write it into the spec. "
        "This issue is updated by the workflow, and closed once there is no drift.",
    ]
    last = f"<sub>[the last run]({run_url})</sub>"
    room = LIMIT - len(parts[0]) - len(last) - _NOTE_ROOM
    left_out = 0
    for one in found:
        if one.drift is None:
            block = (
                f"**{escaped(one.stack)}** could not be compared: {escaped(cut(one.error.summary, 300))}"
                if (one.error)
                else ""
            )
        elif one.found:
            title = f"<b>{html(one.stack)}</b> {html(cut(str(one.request.path), 120))}"
            block = details(title, fenced(drift_text(one.drift)))
        else:
            continue
        room -= len(block) + 2
        if room < 0:
            left_out += 1
        else:
            parts.append(block)
    if left_out:
        parts.append(f"{plural(left_out, 'more stack')}: run {code('phift drift SPEC')}.")
    return "\n\n".join([*parts, last])


def no_drift(marker: str, run_url: str) -> str:
    """Return the body of the issue when it is closed."""
    return f"{marker}\nNo drift: no resource differs from the last apply.\n\n<sub>[the run]({run_url})</sub>"


def _deviation(one: Deviation) -> str:
    place = [f"stack {code(one.stack)}"] if one.stack else []
    place += [code(one.address)] if one.address else []
    return f"{', '.join(place)}: {escaped(one.clause)}" if place else escaped(one.clause)
