"""`phift lock`: new pins and available updates."""

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
    """Return a line per changed pin, a line per moved hub split, then a line per outdated pin."""
    lines = []
    for what, old, new in report.changes:
        if not old:
            lines.append(f"  {style.symbol('+')} {what}: {_pin(new)}")
        elif not new:
            lines.append(f"  {style.symbol('-')} {what}: {_pin(old)}")
        else:
            lines.append(f"  {style.symbol('~')} {what}: {_pin(old)} -> {_pin(new)}")
    for moved in report.data:
        kind = "sha256 " if moved.digest else ""
        if moved.before in ("", moved.now):
            lines.append(f"  {style.symbol('+')} data.{moved.split}: {moved.requested} = {kind}{moved.now[:8]}")
        else:
            pins = f"{kind}{moved.before[:8]} -> {moved.now[:8]}"
            lines.append(f"  {style.symbol('~')} data.{moved.split}: {moved.requested} {pins}; {moved.effect}")
    unchanged = f"Wrote {report.path}." if report.written else f"{report.path} is up to date."
    head = f"Wrote {report.path}:" if lines else unchanged
    behind = [f"  {what}: pinned {_pin(pinned)}, newest {_pin(newest)}" for what, pinned, newest in report.newer]
    if behind:
        behind = ["", "Updates available (run `phift lock --upgrade`):", *behind]
    notes = ["", *(f"Note: {note}" for note in report.notes)] if report.notes else []
    checked = ["", *(_checked(split, found) for split, found in report.checked.items())] if report.checked else []
    findings = ["", diagnostics.render(report.findings, style=style)] if report.findings else []
    return "\n".join([head, *lines, *behind, *notes, *checked, *findings])


def _checked(split: str, found: Found) -> str:
    about = "about " if found.counted_by == ESTIMATE else ""
    overlap = "" if found.overlap is None else f", in train {found.overlap:,}"
    personal = ", ".join(f"{kind} {count:,}" for kind, count in found.personal.items()) or "none"
    return (
        f"Checked data.{split}: {found.rows:,} rows; duplicates {found.duplicates:,}{overlap}; "
        f"longest {about}{found.longest:,} tokens; personal data: {personal}."
    )


def _pin(pinned: Any) -> str:
    return pinned if isinstance(pinned, str) else value(pinned)
