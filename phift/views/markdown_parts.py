"""The parts of a pull request comment: each change collapsed below its resource, the price, the remarks.

They are read on phones too: lists instead of tables, and code spans, which wrap, instead of code blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from phift.diagnostics import Diagnostic
from phift.inert import inert
from phift.kinds.words import plural
from phift.plan.action import Action, ChangeAction, ChangedBy, Purpose
from phift.plan.cost import Cost
from phift.plan.model import FieldChange, Plan, PlannedResource
from phift.views.harmless import harmless
from phift.views.human.plan import attributes
from phift.views.human.values import KNOWN_AFTER_APPLY, SENSITIVE, cut, value
from phift.views.human.words import losses, planned_phrase
from phift.views.markdown_text import Links, code, escaped, fenced, html

__all__ = [
    "Block",
    "caution",
    "details",
    "diagnostic_line",
    "diff_block",
    "fitting",
    "orphans",
    "price",
    "remarks",
    "section",
]

_LONGEST_ATTRIBUTE = 300
"""Characters of a value of a new object. Values that change are never cut: a cut change cannot be approved."""

_COST_ROOM = 6_000
_REMARK_ROOM = 12_000
_NAMES = 20


@dataclass(frozen=True)
class Block:
    """A part of a comment that can be shortened. forms: from the shortest to the longest. destroys: whether it shows
    that something is destroyed; such a block is the last one to be left out."""

    forms: tuple[str, ...]
    destroys: bool


def section(resource: PlannedResource, *, suppressed: bool = False) -> Block:
    """Return one resource: a line, then with its changes collapsed below it. suppressed: also differences that a rule
    suppresses."""
    resource = harmless(resource)
    symbol = resource.action.symbol.strip()
    mark = f"<code>{html(symbol)}</code> " if symbol else ""
    why = f"<br>{html(cut(resource.reason, 300))}" if resource.reason else ""
    name = html(cut(resource.identity or KNOWN_AFTER_APPLY, 80))
    line = f"{mark}<b>{html(cut(str(resource.address), 80))}</b> {html(planned_phrase(resource))}: {name}{why}"
    items = [*_changes(resource), *_attributes(resource), *(_suppressed(resource) if suppressed else ())]
    if resource.unchanged and resource.action.changes_something:
        items.append(f"- {resource.unchanged} unchanged")
    items += [f"- {escaped(cut(note, 400))}" for note in resource.notes]
    destroys = resource.action.destroys
    if not items:
        return Block((f"<p>{line}</p>",), destroys)
    body = "\n".join(items)
    short = f"<p>{line}<br>Details not shown: {len(body):,} characters.</p>"
    return Block((short, details(line, body)), destroys)


def fitting(blocks: Sequence[Block], room: int) -> tuple[list[str], int, int]:
    """Return what fits, in order: first the shortest form of each block, then the longest one of each, those that
    destroy first.

    The numbers are those of blocks that are not in their longest form, and of those left out.
    """
    ranked = sorted(range(len(blocks)), key=lambda number: not blocks[number].destroys)
    kept: dict[int, str] = {}
    for number in ranked:
        shortest = blocks[number].forms[0]
        if len(shortest) + 2 > room:
            break
        room -= len(shortest) + 2
        kept[number] = shortest
    without = 0
    for number, shortest in kept.items():
        forms = blocks[number].forms
        form = next(form for form in reversed(forms) if form is forms[0] or len(form) - len(shortest) <= room)
        room -= len(form) - len(shortest)
        without += form is not forms[-1]
        kept[number] = form
    return [kept[number] for number in sorted(kept)], without, len(blocks) - len(kept)


def details(title: str, body: str) -> str:
    """Return a collapsed block. title: HTML. body: Markdown."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def diff_block(title: str, diff: str, room: int) -> str:
    """Return a collapsed diff, cut at a line end if it is too long. title: text."""
    body = inert(diff, keep="\n")
    if len(body) > room:
        end = body.rfind("\n", 0, max(room - 100, 0))
        left = body.count("\n", max(end, 0)) + (end < 0)
        body = body[: max(end, 0)] + f"\n\n... {plural(left, 'more line')}"
    return details(html(title), fenced(body, "diff"))


def remarks(planned: Plan, links: Links) -> list[str]:
    """Return warnings, with links to their files, and notes as one block quote; empty if there are none."""
    planned = harmless(replace(planned, resources=()))
    said = [f"**Warning:** {diagnostic_line(w, links)}" for w in planned.warnings]
    said += [f"**Note:** {escaped(cut(' '.join(note.split()), 400))}" for note in planned.notes]
    return [" \n>\n".join(f"> {text}" for text in _within(said, _REMARK_ROOM, "and {} more"))] if said else []


def caution(plans: Iterable[Plan], *, named: bool = False) -> list[str]:
    """Return an alert that names what is destroyed, empty if there is nothing. named: with the stacks."""
    found: dict[str, list[str]] = {}
    for plan in plans:
        stack = f"{code(cut(plan.stack, 60))} " if named else ""
        for word, lost in losses(plan).items():
            names = (f"{code(cut(address, 80))} {escaped(cut(remark, 120))}".rstrip() for address, remark in lost)
            found.setdefault(word, []).extend(f"{stack}{name}" for name in names)
    return _alert("CAUTION", [f"**{word}:** {_listed(names)}" for word, names in found.items()])


def orphans(removed: Sequence[str]) -> list[str]:
    """Return an alert about the specs that were removed, and whose resources stay; empty without one."""
    names = _listed([code(cut(path, 120)) for path in removed])
    why = "Their resources stay in the workspace, and are billed: run `phift destroy` with the last version of each."
    return _alert("WARNING", [f"**Removed specs:** {names}. {why}"] if removed else [])


def _alert(kind: str, lines: Sequence[str]) -> list[str]:
    return [f"> [!{kind}]\n" + "\n>\n".join(f"> {line}" for line in lines)] if lines else []


def _listed(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _NAMES} more"] if len(names) > _NAMES else []
    return ", ".join([*names[:_NAMES], *more])


def _within(lines: Sequence[str], room: int, more: str) -> list[str]:
    """Return the first lines that fit, and the number of the others."""
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 5
        if room < 0:
            return [*kept, more.format(len(lines) - len(kept))]
        kept.append(line)
    return kept


def diagnostic_line(warning: Diagnostic, links: Links) -> str:
    """Return a diagnostic with a link to its file, and its code."""
    more = " ".join(part for part in (warning.detail, warning.remedy) if part)
    text = " ".join(f"{warning.summary}. {more}".split()) if more else warning.summary
    where = links.of(warning.mark) if warning.mark else code(warning.address)
    rule = code(warning.code)
    return " ".join(part for part in (escaped(cut(text, 400)), where, rule) if part)


def price(cost: Cost, purpose: Purpose) -> str:
    """Return the price before and after as a list, and its calculation collapsed."""
    from phift.views.human import cost as block

    lines = ["**Price** (US dollars, estimated)", ""]
    if any(line.continuous for line in cost.lines):
        now, after = cost.per_month_now, cost.per_month
        change = f" ({after - now:+,.0f})" if round(after - now) else ""
        most = f", up to {block.month(cost.per_month_most)} after scale-out" if cost.scales else ""
        lines.append(f"- a month: {block.month(now)} before, **{block.month(after)} after**{change}{most}")
    if any(not line.continuous for line in cost.lines):
        once = cost.once
        known = once.middle or not cost.unknown_once
        lines.append(f"- once: {f'about {block.money(once.middle)}' if known else 'unknown'}")
    if unknown := tuple(dict.fromkeys((*cost.unknown_once, *cost.unknown_monthly))):
        lines.append(f"- not included, because unknown: {', '.join(map(code, unknown[:_NAMES]))}")
    rows = _within([_priced(row) for row in block.rows(cost)], _COST_ROOM, "- {} more")
    notes = [f"\n{escaped(cut(text, 400))}" for text in (f"{block.title(cost)}.", *cost.notes[:_NAMES])]
    return "\n".join([*lines, "", details("How the price is calculated", "\n".join([*rows, *notes]))])


def _priced(row: Any) -> str:
    basis = f"<br>{escaped(cut(row.basis, 160))}" if row.basis else ""
    return f"- {code(cut(row.label, 80))}: {escaped(cut(row.what, 160))}: **{escaped(cut(row.amount, 80))}**{basis}"


def _changes(resource: PlannedResource) -> Iterator[str]:
    if resource.action is not Action.DELETE:
        yield from map(_change, resource.visible_changes)


def _change(change: FieldChange) -> str:
    before, after = (SENSITIVE if change.sensitive else value(v) for v in (change.live, change.wanted))
    if change.live is None:
        said = f"{_code(after)} (new)"
    elif change.wanted is None:
        said = f"{_code(before)} (removed)"
    else:
        said = f"{_code(before)} → {_code(after)}"
    remark = f" **{escaped(change.remark)}**" if change.remark else ""
    outside = " (changed outside phift)" if change.by == ChangedBy.OUTSIDE else ""
    last = ""
    if change.applied is not None and not change.sensitive and change.applied not in (change.live, change.wanted):
        last = f" (last applied: {_code(value(change.applied))})"
    return f"- {code(change.path)}: {said}{remark}{outside}{last}"


def _attributes(resource: PlannedResource) -> Iterator[str]:
    """Yield the properties of a new object, without those in its changes, or of a deleted one."""
    if resource.action is Action.DELETE:
        yield from _tree(resource.desired, ())
    elif resource.action in {Action.CREATE, Action.RUN, Action.REPLACE}:
        changed = {change.path.partition(".")[0] for change in resource.visible_changes}
        if resource.action is Action.CREATE or not changed:
            yield from _tree({k: v for k, v in attributes(resource).items() if k not in changed}, ())


def _tree(data: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for each value, with its dotted path."""
    for key, item in data.items():
        place = (*path, str(key))
        if item is None or item in ({}, []):
            continue
        if isinstance(item, Mapping):
            yield from _tree(item, place)
        else:
            yield f"- {code('.'.join(place))}: {_code(cut(value(item), _LONGEST_ATTRIBUTE))}"


def _suppressed(resource: PlannedResource) -> Iterator[str]:
    for change in resource.changes:
        if change.action is ChangeAction.SUPPRESSED:
            values = (SENSITIVE if change.sensitive else value(v) for v in (change.live, change.wanted))
            live, wanted = map(_code, values)
            why = f": {escaped(cut(change.reason, 200))}" if change.reason else ""
            yield f"- {code(change.path)}: {live} for {wanted}, suppressed by rule {code(change.rule)}{why}"


def _code(text: str) -> str:
    return code(text) or '`""`'
