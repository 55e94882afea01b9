"""`phift drift`: changes made outside phift, and separately the spec changes not applied yet."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from phift.kinds.registry import KINDS
from phift.plan.action import Action, ChangedBy
from phift.views.base import PLAIN, Style
from phift.views.human.plan import field_lines
from phift.views.human.values import table, value
from phift.views.human.words import planned_phrase

if TYPE_CHECKING:
    from phift.kinds.unwatched import Unwatched
    from phift.phases import Drift
    from phift.plan.model import PlannedResource

__all__ = ["render"]


def render(drift: Drift, *, style: Style = PLAIN) -> str:
    """Return each outside change (from applied to live), the failed resources and the overdue jobs with the next step,
    the spec changes not applied yet as a list, and one summary line."""
    parts = [_drifted(resource, drift, style) for resource in drift.outside]
    parts += [_failed(resource, drift, style) for resource in drift.failed]
    parts += [_late(item, drift, style) for item in drift.overdue]
    if drift.unapplied:
        rows = [
            (
                f"{r.action.symbol:>3} {r.address}",
                f"{planned_phrase(r)} ({r.reason})" if r.reason else planned_phrase(r),
            )
            for r in drift.unapplied
        ]
        parts.append("\n".join([style.bold("Not applied yet:"), *table(rows, width=style.width)]))
    parts.append(_last(drift, style))
    return "\n\n".join(parts)


def _drifted(resource: PlannedResource, drift: Drift, style: Style) -> str:
    gone = not resource.fingerprint
    said = style.red("was removed") if gone else style.yellow("was changed")
    symbol = style.symbol("-" if gone else "~")
    lines = [f"  # {style.bold(str(resource.address))} {said} outside phift"]
    head = f"  {symbol} {resource.address.kind} {value(resource.identity)}"
    if gone:
        return "\n".join([*lines, head])
    if resource.reason and "outside phift" not in resource.reason:
        lines += _remark(f"({resource.reason})", style)
    if resource in drift.claimable:
        lines += _remark(f"Next: phift apply {drift.plan.spec_words} --take-over", style)
    # A plan shows live -> wanted; drift is the reverse.
    turned = [replace(c, wanted=c.live, live=c.wanted, by=ChangedBy.UNKNOWN) for c in resource.visible_changes]
    return "\n".join([*lines, f"{head} {{", *field_lines(turned, style), "    }"] if turned else [*lines, head])


def _failed(resource: PlannedResource, drift: Drift, style: Style) -> str:
    """Return the object, its provisioning state, the service's error, and the next step."""
    state = str(resource.details["state"])
    lines = [f"  # {style.bold(str(resource.address))} {style.red(f'is in state {state}')}"]
    if told := str(resource.details.get("errors") or ""):
        lines += _remark(told, style)
    look = (
        f"phift logs {drift.plan.spec_words} --deployment, then " if KINDS[resource.address.kind].traits.serves else ""
    )
    does = "replaces it" if resource.action is Action.REPLACE else "updates it"
    next_step = f"Next: {look}phift apply {drift.plan.spec_words} ({does})."
    lines += _remark(next_step, style)
    return "\n".join(
        [*lines, f"  {style.symbol(resource.action.symbol)} {resource.address.kind} {value(resource.identity)}"]
    )


def _late(item: Unwatched, drift: Drift, style: Style) -> str:
    lines = [f"  # {style.bold(str(item.address))} is {style.red(item.reason)}"]
    lines += _remark(f"Next: phift expire {drift.plan.spec_words}", style)
    return "\n".join([*lines, f"  {style.symbol('-')} {item.address.kind} {value(item.live.name)}"])


def _remark(text: str, style: Style) -> list[str]:
    """Wrap without breaking commands and paths, which users copy."""
    return textwrap.wrap(
        text,
        style.width,
        initial_indent="  # ",
        subsequent_indent="  # ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _last(drift: Drift, style: Style) -> str:
    outside, waiting = len(drift.outside), len(drift.unapplied)
    if outside:
        head, paint = "Drift:", style.yellow
        said = f"{_resources(outside)} changed outside phift."
        if outside > len(drift.claimable):
            said += " `phift apply` would restore the fields that the spec sets."
    else:
        head, paint = "No drift.", style.green
        said = f"{_resources(len(drift.plan.resources))} compared; none changed outside phift."
    if waiting:
        said += f" {_resources(waiting)} not applied yet."
    if drift.failed:
        said += f" {_resources(len(drift.failed))} in state Failed."
    if drift.overdue:
        said += f" {_resources(len(drift.overdue))} overdue."
    text = textwrap.fill(f"{head} {said}", style.width)
    return style.bold(paint(head)) + text.removeprefix(head)


def _resources(count: int) -> str:
    return f"{count} resource{'' if count == 1 else 's'}"
