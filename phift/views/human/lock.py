"""`phift lock`: what was pinned, and what is newer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phift.views.base import PLAIN, Style
from phift.views.human.values import value

if TYPE_CHECKING:
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
        kind = "sha256 " if moved.digest else ""
        if moved.before in ("", moved.now):
            lines.append(f"  {style.symbol('+')} data.{moved.split}: {moved.requested} = {kind}{moved.now[:8]}")
        else:
            pins = f"{kind}{moved.before[:8]} -> {moved.now[:8]}"
            lines.append(f"  {style.symbol('~')} data.{moved.split}: {moved.requested} {pins}; {moved.effect}")
    head = f"Wrote {report.path}:" if lines else f"{report.path} pins everything that floats; nothing to write."
    behind = [f"  {what}: pinned {_pin(pinned)}, newest {_pin(newest)}" for what, pinned, newest in report.newer]
    if behind:
        behind = ["", "Newer versions exist; phift lock --upgrade takes them over:", *behind]
    notes = ["", *(f"Note: {note}" for note in report.notes)] if report.notes else []
    return "\n".join([head, *lines, *behind, *notes])


def _pin(pinned: Any) -> str:
    return pinned if isinstance(pinned, str) else value(pinned)
