"""`phift lock`: what was pinned, and what is newer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phift.data.tokens import ESTIMATE
from phift.views.base import PLAIN, Style
from phift.views.human import diagnostics
from phift.views.human.values import value

if TYPE_CHECKING:
    from phift.data.checks import Found
    from phift.phases import LockReport

__all__ = ["render"]


def render(report: LockReport, *, style: Style = PLAIN) -> str:
    """A line a change, a line a split of the hub that moved, then a line for each pin that is behind."""
    lines = []
    for what, old, new in report.changes:
        if not old:
            lines.append(f"  {style.symbol('+')} {what}: {_pin(new)}")
        elif not new:
            lines.append(f"  {style.symbol('-')} {what}: {_pin(old)}")
        else:
            lines.append(f"  {style.symbol('~')} {what}: {_pin(old)} -> {_pin(new)}")
    for moved in report.data:
        if moved.before in ("", moved.now):
            lines.append(f"  {style.symbol('+')} data.{moved.split}: {moved.requested} = {moved.now[:8]}")
        else:
            commits = f"{moved.before[:8]} -> {moved.now[:8]}"
            lines.append(f"  {style.symbol('~')} data.{moved.split}: {moved.requested} {commits}; {moved.effect}")
    head = f"Wrote {report.path}:" if lines else f"{report.path} pins everything that floats; nothing to write."
    behind = [f"  {what}: pinned {_pin(pinned)}, newest {_pin(newest)}" for what, pinned, newest in report.newer]
    if behind:
        behind = ["", "Newer versions exist; phift lock --upgrade takes them over:", *behind]
    notes = ["", *(f"Note: {note}" for note in report.notes)] if report.notes else []
    checked = ["", *(_checked(split, found) for split, found in report.checked.items())] if report.checked else []
    findings = ["", diagnostics.render(report.findings, style=style)] if report.findings else []
    return "\n".join([head, *lines, *behind, *notes, *checked, *findings])


def _checked(split: str, found: Found) -> str:
    about = "about " if found.counted_by == ESTIMATE else ""
    overlap = "" if found.overlap is None else f", {found.overlap:,} prompts of train"
    return (
        f"Checked data.{split}: {found.rows:,} rows, {found.duplicates:,} duplicates{overlap}, "
        f"{sum(found.personal.values()):,} signs of personal data, at most {about}{found.longest:,} tokens a row."
    )


def _pin(pinned: Any) -> str:
    return pinned if isinstance(pinned, str) else value(pinned)
