"""A plan in the style of Terraform.

    # job.finetune must be run again
    # (learning_rate changed)
    + job "quickstart-5b1c2d3e4f50" {
        ~ parameters.learning_rate: 0.008 -> 0.004  # forces retraining
          # (41 unchanged attributes hidden)
      }

The count line is `str(plan.counts)`. Other programs parse it: its wording is part of the interface.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from phift.kinds.registry import KINDS
from phift.kinds.words import plural
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose
from phift.plan.model import FieldChange, Plan, PlannedResource
from phift.state.traits import Traits
from phift.views.base import NO_OPTIONS, PLAIN, PlanOptions, Style
from phift.views.harmless import harmless
from phift.views.human.diagnostics import one as diagnostic
from phift.views.human.values import KNOWN_AFTER_APPLY, SENSITIVE, note, table, value
from phift.views.human.words import planned_phrase, words_of

__all__ = ["attributes", "block", "count_line", "field_lines", "render"]

ALIGN = 32
"""Keys longer than this do not affect the alignment of other values."""

_NOT_SHOWN = {"next_version", "memory"}
"""Details that the identity or a note already shows."""

LEGEND = (
    Action.CREATE,
    Action.RUN,
    Action.UPDATE,
    Action.SHIFT,
    Action.ADOPT,
    Action.DELETE,
    Action.REPLACE,
)
"""The order of the legend."""


def render(
    plan: Plan,
    options: PlanOptions = NO_OPTIONS,
) -> str:
    """Return the whole plan."""
    style = options.style
    # In most plans nearly all resources are unchanged: process only those that are shown.
    wanted = [r for r in plan.resources if r.action.changes_something]
    shown = [harmless(r) for r in wanted]
    plan = replace(harmless(replace(plan, resources=())), resources=plan.resources)
    parts = [] if options.summary else list(_remarks(plan, style))
    if shown and not options.summary:
        parts.append(_legend(shown, plan, style))
    if not options.summary:
        listed = [
            r
            for r in plan.resources
            if r in wanted
            or options.show_unchanged
            or (options.show_suppressed and len(r.changes) > len(r.visible_changes))
        ]
        parts += [block(r, style, show_suppressed=options.show_suppressed) for r in listed]
    if shown:
        parts.append(_list(shown, style))
    if plan.purpose == Purpose.DESTROY and (staying := _staying(plan, style)):
        parts.append(staying)
    if plan.cost is not None and not options.summary:
        from phift.views.human import cost

        parts.append(cost.render(plan.cost, plan.purpose, style))
    parts.append(count_line(plan, style))
    return "\n\n".join(parts)


def count_line(plan: Plan, style: Style = PLAIN) -> str:
    """Return `Plan: 8 to add, 1 to change, 0 to destroy.`, or `No changes.` and one sentence."""
    if plan.changes_something:
        head, rest = str(plan.counts).split(":", 1)
        return f"{style.bold(head + ':')}{rest}"
    because = {
        Purpose.APPLY: f"The workspace matches the spec: {plural(len(plan.resources), 'resource')} compared.",
        Purpose.DESTROY: "This stack has no resources to destroy.",
        Purpose.EXPIRE: "Nothing of this stack is overdue.",
    }[plan.purpose]
    return f"{style.bold(style.green('No changes.'))} {because}"


def _remarks(plan: Plan, style: Style) -> Iterator[str]:
    yield from (diagnostic(d, style=style) for d in plan.warnings)
    if plan.notes:
        yield "\n".join(note(text, style) for text in plan.notes)


def _legend(shown: Sequence[PlannedResource], plan: Plan, style: Style) -> str:
    used = {r.action for r in shown}
    lines = [f"{_pad(a.symbol, style)} {_meaning(a, shown)}" for a in LEGEND if a in used]
    where = "" if plan.workspace.startswith(plan.target) else f"{plan.target}, "
    head = f"Stack {style.bold(plan.stack)} in {where}{plan.workspace}. Actions are marked by these symbols:"
    if len(f"Stack {plan.stack} in {where}{plan.workspace}. Actions are marked by these symbols:") > style.width:
        head = head.replace(". Actions", ".\nActions")
    return "\n".join([head, *lines])


def _staying(plan: Plan, style: Style) -> str:
    """Return the existing resources that a destroy keeps, and why."""
    there = [harmless(r) for r in plan.resources if not r.action.changes_something and r.fingerprint]
    rows = [(str(r.address), r.identity, r.reason.removeprefix("kept: ")) for r in there if not _traits(r).hosted]
    along = [
        str(r.address) if r.address.name == r.identity else f"{r.address} ({r.identity})"
        for r in there
        if _traits(r).serves
    ]
    lines = [style.bold("Kept:"), *table(rows, indent="    ", width=style.width)] if rows else []
    if along and any(_traits(r).hosts and r.action.changes_something for r in plan.resources):
        goes = textwrap.fill(f"Deleted with the endpoint: {', '.join(along)}.", style.width, break_on_hyphens=False)
        lines.insert(0, goes + ("\n" if rows else ""))
    return "\n".join(lines)


def _traits(resource: PlannedResource) -> Traits:
    return KINDS[resource.address.kind].traits


def _meaning(action: Action, shown: Sequence[PlannedResource]) -> str:
    return " or ".join(sorted({words_of(r.address, action).legend for r in shown if r.action is action}))


def _list(shown: Sequence[PlannedResource], style: Style) -> str:
    return "\n".join(f"{_pad(r.action.symbol, style)} {r.address}" for r in shown)


def _pad(symbol: str, style: Style) -> str:
    return " " * (3 - len(symbol)) + style.symbol(symbol)


def block(resource: PlannedResource, style: Style = PLAIN, *, show_suppressed: bool = False) -> str:
    """Return the action of one resource, the reason, and its changes or attributes."""
    resource = harmless(resource)
    action = resource.action
    destructive = action in {Action.DELETE, Action.REPLACE}
    said = planned_phrase(resource)
    lines = [f"  # {style.bold(str(resource.address))} {style.red(said) if destructive else said}"]
    if resource.reason:
        lines += textwrap.wrap(
            f"({resource.reason})",
            style.width,
            initial_indent="  # ",
            subsequent_indent="  #  ",
            break_long_words=False,
        )
    for text in resource.notes:
        lines += textwrap.wrap(
            text, style.width, initial_indent="  # ", subsequent_indent="  # ", break_long_words=False
        )
    head = f"{_pad(action.symbol, style)} {resource.address.kind} {value(_identity(resource))}"
    body = list(_body(resource, style))
    if show_suppressed:
        body += _suppressed(resource, style)
    return "\n".join([*lines, *([f"{head} {{", *body, "    }"] if body else [head])])


def _identity(resource: PlannedResource) -> str:
    return resource.identity or KNOWN_AFTER_APPLY


def _body(resource: PlannedResource, style: Style) -> Iterator[str]:
    changes = resource.visible_changes
    if changes and resource.action is Action.CREATE:
        # A new object next to the old one: first the changes that forced it, then its other attributes.
        yield from field_lines(changes, style)
        changed = {c.path.partition(".")[0] for c in changes}
        yield from _tree({k: v for k, v in attributes(resource).items() if k not in changed}, "+", style, indent=6)
    elif changes and resource.action is not Action.DELETE:
        yield from field_lines(changes, style)
        if resource.unchanged:
            yield "        " + style.dim(f"# ({plural(resource.unchanged, 'unchanged attribute')} hidden)")
    elif resource.action in {Action.CREATE, Action.RUN, Action.REPLACE}:
        yield from _tree(attributes(resource), "+", style, indent=6)
    elif resource.action is Action.DELETE:
        yield from _tree(resource.desired, "-", style, indent=6)
    elif resource.unchanged and resource.action.changes_something:
        yield "        " + style.dim(f"# ({plural(resource.unchanged, 'unchanged attribute')} hidden)")


def attributes(resource: PlannedResource) -> dict[str, Any]:
    """Return the wanted properties and details, tags last."""
    facts = {k: v for k, v in resource.details.items() if k not in resource.desired and k not in _NOT_SHOWN}
    last = {k: v for k, v in resource.desired.items() if k == "tags"}
    return {k: v for k, v in resource.desired.items() if k != "tags"} | facts | last


def _suppressed(resource: PlannedResource, style: Style) -> Iterator[str]:
    """Yield the suppressed differences, live value first."""
    for change in resource.changes:
        if change.action is not ChangeAction.SUPPRESSED:
            continue
        yield f"        {change.path}: {_shown(change.live, change)} for {_shown(change.wanted, change)}"
        why = f"suppressed by rule {change.rule}" + (f": {change.reason}" if change.reason else "")
        yield from (style.dim(line) for line in _wrapped(why, "          # ", style))


def _wrapped(text: str, indent: str, style: Style) -> list[str]:
    return textwrap.wrap(text, style.width, initial_indent=indent, subsequent_indent=indent, break_long_words=False)


def field_lines(changes: Sequence[FieldChange], style: Style = PLAIN) -> Iterator[str]:
    """Yield an aligned line per field, or three lines if its values are too long for one."""
    changes = harmless(changes)
    wide = max((len(c.path) for c in changes if len(c.path) <= ALIGN), default=0)
    for change in changes:
        symbol = "+" if change.live is None else "-" if change.wanted is None else "~"
        head = f"      {style.symbol(symbol)} {change.path + ':':<{wide + 1}} "
        plain_head = 8 + max(len(change.path), wide) + 2
        before, after = _shown(change.live, change), _shown(change.wanted, change)
        said = after if symbol == "+" else before if symbol == "-" else f"{before} -> {after}"
        remark = _remark(change)
        dressed = style.red(remark) if change.action.force else style.dim(remark)
        if plain_head + len(said) + (2 + len(remark) if remark else 0) <= style.width:
            yield f"{head}{said}{'  ' + dressed if remark else ''}"
            continue
        # Too long for one line: give each value its own, uncut, because an unreadable change cannot be approved.
        yield f"{head.rstrip()}{'  ' + dressed if remark else ''}"
        if symbol != "+":
            yield f"            {before}"
        if symbol != "-":
            yield f"         {'-> ' if symbol == '~' else '   '}{after}"


def _shown(data: Any, change: FieldChange) -> str:
    return SENSITIVE if change.sensitive else value(data)


def _remark(change: FieldChange) -> str:
    force = f"# {change.remark}" if change.remark else ""
    outside = "(changed outside phift)" if change.by == ChangedBy.OUTSIDE else ""
    return " ".join(part for part in (force, outside, _last_applied(change)) if part)


def _last_applied(change: FieldChange) -> str:
    """Return the last applied value if it differs from both the live and the wanted value: both sides changed."""
    if change.applied is None or change.sensitive or change.applied in (change.live, change.wanted):
        return ""
    return f"(last applied: {value(change.applied)})"


def _tree(data: Mapping[str, Any], symbol: str, style: Style, *, indent: int) -> Iterator[str]:
    """Yield attributes, aligned per level; maps and lists too long for one line are indented below their key."""
    sign = style.symbol(symbol)
    wide = max((len(str(k)) for k, v in data.items() if len(str(k)) <= ALIGN and not _nests(v)), default=0)
    for key, item in data.items():
        if item is None or item in ({}, []):
            continue
        head = f"{' ' * indent}{sign} {key}:"
        if isinstance(item, Mapping):
            yield head
            yield from _tree(item, symbol, style, indent=indent + 4)
            continue
        start = indent + 2 + max(len(str(key)), wide) + 2
        text = value(item)
        if isinstance(item, list | tuple) and start + len(text) > style.width:
            yield head
            yield from _items(item, symbol, style, indent=indent + 4)
            continue
        pad = " " * (start - indent - 3 - len(str(key)))
        yield f"{head}{pad}{style.cut(text, max(style.width - start, 16))}"


def _items(items: Sequence[Any], symbol: str, style: Style, *, indent: int) -> Iterator[str]:
    sign = style.symbol(symbol)
    for item in items:
        yield f"{' ' * indent}{sign} {style.cut(value(item), max(style.width - indent - 2, 16))}"


def _nests(item: Any) -> bool:
    return isinstance(item, Mapping)
