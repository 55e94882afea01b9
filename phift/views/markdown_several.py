"""The plans of several stacks as one pull request comment: one line per stack, and each plan collapsed below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phift.phases.results import Planned
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.human.values import cut
from phift.views.markdown import LIMIT, folded, marker, plan_text, remarks
from phift.views.markdown_text import code, escaped

if TYPE_CHECKING:
    from phift.phases import ManyPlans, StackPlan

__all__ = ["plans"]

_EVERY = "*"
"""Used as the stack in the marker; not a valid stack name."""

_TABLE_ROOM = 30_000


def plans(
    planned: ManyPlans,
    options: PlanOptions = NO_OPTIONS,
) -> str:
    """Return at most `LIMIT` characters: table rows that do not fit are counted, and plans that do not fit are omitted,
    the last ones first. The summary leaves out the collapsed text.
    """
    failed = len(planned.failed)
    told = f"{len(planned.stacks)} stacks" + (f", {failed} could not be planned" if failed else "")
    shown = [s for s in planned.stacks if _is_shown(s, options)]
    parts = [f"{marker(_EVERY)}\n### phift plan: {told}", f"**{planned.counts}**"]
    if planned.cost is not None:
        from phift.views.human.cost import totals

        parts.append(f"Cost: {escaped(cut(totals(planned.cost), 1000))}")
    if shown:
        parts.append(_table(shown))
    if len(shown) < len(planned.stacks):
        parts.append(f"{len(planned.stacks) - len(shown)} without changes.")
    left = 0
    for stack in () if options.summary else shown:
        if not isinstance(stack, Planned):
            continue
        text = plan_text(stack.plan, options)
        said = [*remarks(stack.plan), folded(f"Show the plan of {stack.stack}", text, LIMIT // 2)]
        room = LIMIT - len("\n\n".join(parts)) - 200
        if left or len("\n\n".join(said)) > room:
            left += 1
        else:
            parts += said
    if left:
        parts.append(f"{left} plans omitted (comment too long). To see one, run: phift plan FILE")
    return "\n\n".join(parts)


def _is_shown(one: StackPlan, options: PlanOptions) -> bool:
    return not isinstance(one, Planned) or one.plan.changes_something or options.show_unchanged


def _table(shown: list[StackPlan]) -> str:
    rows = ["| stack | spec | add | change | destroy |", "|---|---|---|---|---|"]
    room = _TABLE_ROOM
    for count, one in enumerate(shown):
        head = f"| {code(cut(one.stack, 60), cell=True)} " if one.stack else "| "
        path = escaped(cut(str(one.request.path), 120), cell=True)
        if isinstance(one, Planned):
            counts = one.plan.counts
            row = f"{head}| {path} | {counts.add} | {counts.change} | {counts.destroy} |"
        else:
            row = f"{head}| {path} | **error** {escaped(cut(one.error.summary, 120), cell=True)} | | |"
        room -= len(row) + 1
        if room < 0:
            rows.append(f"| {len(shown) - count} more | | | | |")
            break
        rows.append(row)
    return "\n".join(rows)
