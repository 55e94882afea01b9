"""The plans of several stacks as one pull request comment: one line per stack, and each plan collapsed below."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phift.errors import DiagnosticsError
from phift.kinds.words import plural
from phift.phases.results import Planned, Unplanned
from phift.plan.fingerprint import fingerprint_of_many
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.harmless import harmless
from phift.views.human.values import cut
from phift.views.markdown import LIMIT, Comment, commit_of, effect, head, sections, since
from phift.views.markdown_parts import Block, caution, details, diagnostic_line, fitting, orphans, price, remarks
from phift.views.markdown_text import Links, code, escaped, html

if TYPE_CHECKING:
    from phift.phases import ManyPlans

__all__ = ["plans"]

_EVERY = "*"
"""Used as the stack in the marker; not a valid stack name."""

_NOTE_ROOM = 1_000
_ERROR_ROOM = 10_000


def plans(planned: ManyPlans, options: PlanOptions = NO_OPTIONS, comment: Comment | None = None) -> str:
    """Return at most `LIMIT` characters: a stack that does not fit is shown without the details of its resources, then
    without its resources, then only counted. The summary leaves out the collapsed text.
    """
    comment = comment or Comment()
    failed = len(planned.failed)
    title = plural(len(planned.stacks), "stack") + (f", {failed} could not be planned" if failed else "")
    shown = [s for s in planned.planned if s.plan.changes_something or options.show_unchanged]
    parts = [head(_EVERY, title, comment), f"**{planned.counts}**", *caution(planned.plans, named=True)]
    parts += [*orphans(comment.removed), *_errors(planned, comment.links)]
    parts += [f"**On merge:** {comment.on_merge}"] if comment.on_merge else []
    if planned.cost is not None:
        parts.append(price(planned.cost, planned.plans[0].purpose))
    same = len(planned.planned) - len(shown)
    last = [f"{same} without changes."] if same else []
    if planned.changes_something:
        last.append(f"<sub>{commit_of(comment)}fingerprint {html(fingerprint_of_many(planned.plans))}</sub>")
    room = LIMIT - len("\n\n".join([*parts, *last])) - _NOTE_ROOM
    if options.summary:
        blocks = [Block((f"<p>{_line(one)}</p>",), one.plan.counts.destroy > 0) for one in shown]
    else:
        blocks = [_block(one, options, comment) for one in shown]
    fitted, without, left_out = fitting(blocks, room)
    parts += fitted
    if without or left_out:
        said = [f"{without} shown without all details"] if without else []
        said += [f"{left_out} not shown"] if left_out else []
        where = comment.whole or f"run {code('phift plan FILE')}"
        parts.append(f"**Cut to {LIMIT:,} characters**; stacks: {', '.join(said)}. For the whole plans, {where}.")
    return "\n\n".join([*parts, *last])


def _kept(lengths: list[int], room: int) -> int:
    """Return the number of first parts that fit."""
    for count, length in enumerate(lengths):
        room -= length + 2
        if room < 0:
            return count
    return len(lengths)


def _block(one: Planned, options: PlanOptions, comment: Comment) -> Block:
    """Return the counts of a stack alone, with its resources, and with their details."""
    listed = sections(one.plan, options)
    above = [*effect(one.plan, Comment()), *remarks(one.plan, comment.links)]
    changed = comment.since.get(one.stack)
    below = since(changed, LIMIT // 2) if changed else []
    line = _line(one)
    whole = "\n\n".join([*above, *(section.forms[-1] for section in listed), *below])
    outline = "\n\n".join([*above, *(section.forms[0] for section in listed)])
    alone = f"<p>{line}<br>Details not shown: {len(whole):,} characters.</p>"
    return Block((alone, details(line, outline), details(line, whole)), one.plan.counts.destroy > 0)


def _line(one: Planned) -> str:
    counts = one.plan.counts
    numbers = f"<code>+{counts.add} ~{counts.change} -{counts.destroy}</code>"
    return f"<b>{html(cut(one.stack, 60))}</b> {numbers}<br>{html(cut(str(one.request.path), 120))}"


def _errors(planned: ManyPlans, links: Links) -> list[str]:
    """Return a line for each stack without a plan, and for each of its diagnostics, with links to their files."""
    lines = [line for one in planned.failed for line in _error(one, links)]
    kept = _kept([len(line) for line in lines], _ERROR_ROOM)
    more = [f"- {plural(len(lines) - kept, 'more line')}"] if kept < len(lines) else []
    return ["\n".join([*lines[:kept], *more])] if lines else []


def _error(one: Unplanned, links: Links) -> Iterator[str]:
    name = f"{code(cut(one.stack, 60))} " if one.stack else ""
    said = f"- **error** {name}{escaped(cut(str(one.request.path), 120))}"
    if not isinstance(one.error, DiagnosticsError) or not one.error.diagnostics:
        yield f"{said}: {escaped(cut(harmless(one.error.summary), 200))}"
        return
    yield said
    yield from (f"  - {diagnostic_line(harmless(found), links)}" for found in one.error.diagnostics)
