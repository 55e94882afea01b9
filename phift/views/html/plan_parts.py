"""What the template of a plan shows: a plan as plain texts, in the words of the other views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from phift.graph.dag import CycleError
from phift.plan.action import ChangeAction, ChangedBy
from phift.plan.cost import Cost
from phift.plan.model import Counts, FieldChange, Plan, PlannedResource
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.html.markup import Markup
from phift.views.html.order import Order, order_of, sign_of, timeline, tone_of
from phift.views.html.origins import Origins, origin_of
from phift.views.human import cost as cost_text
from phift.views.human.plan import attributes, count_line
from phift.views.human.values import SENSITIVE, cut, value
from phift.views.human.words import kind_of_work, losses, planned_phrase

__all__ = ["Change", "Item", "PlanPart", "ResourcePart", "brief", "item_value", "plan_part", "tone_counts"]

OPEN_UP_TO = 12
"""Changing resources of a plan that are shown unfolded."""
_LONGEST = 4000
"""Characters of one value."""


@dataclass(frozen=True)
class Change:
    """A field that differs. before, after: "" where absent. remark: what it forces. origin: of the wanted value."""

    sign: str
    path: str
    before: str
    after: str
    force: str
    remark: str
    origin: str


@dataclass(frozen=True)
class Item:
    """A property. path: dotted."""

    path: str
    value: str
    origin: str


@dataclass(frozen=True)
class ResourcePart:
    """A resource. tone: "add", "change", "destroy" or "keep". suppressed: differences that are not changes, with their
    rules. open: whether it is shown unfolded."""

    address: str
    symbol: str
    tone: str
    phrase: str
    identity: str
    reason: str
    notes: tuple[str, ...]
    changes: tuple[Change, ...]
    items: tuple[Item, ...]
    suppressed: tuple[Item, ...]
    unchanged: int
    needs: tuple[str, ...]
    open: bool


@dataclass(frozen=True)
class PlanPart:
    """A plan. counts: by tone, as (tone, symbol, number, words). order: None if its dependencies are circular.
    with_origins: whether the origins of values are known. lost: what is destroyed, by the word for it."""

    plan: Plan
    counts: tuple[tuple[str, str, int, str], ...]
    line: str
    work: str
    changing: tuple[ResourcePart, ...]
    keeping: tuple[ResourcePart, ...]
    order: Order | None
    wide: Markup
    narrow: Markup
    cost: CostPart | None
    with_origins: bool
    complete: bool
    lost: Mapping[str, str]


@dataclass(frozen=True)
class CostPart:
    """The cost in the words of the text view."""

    title: str
    rows: tuple[cost_text.Row, ...]
    totals: str
    notes: tuple[str, ...]
    brief: str


def plan_part(
    plan: Plan,
    options: PlanOptions = NO_OPTIONS,
    *,
    origins: Origins | None = None,
    seconds: Mapping[str, float] | None = None,
    id: str = "order",
) -> PlanPart:
    """Return what to show of a plan. origins: of the values of its spec, None if not known. seconds: expected durations
    by address. id: prefix of the ids of its drawing, unique in the document."""
    changing = [r for r in plan.resources if r.action.changes_something]
    keeping = [r for r in plan.resources if not r.action.changes_something]
    few = len(changing) <= OPEN_UP_TO
    try:
        order = order_of(plan, seconds)
    except CycleError:
        order = None
    known = origins or {}
    return PlanPart(
        plan,
        tone_counts(plan.counts),
        count_line(plan),
        kind_of_work(plan) if changing else "",
        tuple(_resource(r, options, known, few) for r in changing),
        tuple(_resource(r, options, known, False) for r in keeping),
        order,
        timeline(order, f"{id}-wide") if order else Markup(""),
        timeline(order, f"{id}-narrow", narrow=True) if order else Markup(""),
        _cost(plan.cost, plan) if plan.cost else None,
        origins is not None,
        not options.summary,
        {word: ", ".join(" ".join(one).rstrip() for one in lost) for word, lost in losses(plan).items()},
    )


def item_value(data: Any) -> str:
    """Return a value on one line, cut if it is very long."""
    return cut(value(data), _LONGEST)


def _resource(resource: PlannedResource, options: PlanOptions, origins: Origins, few: bool) -> ResourcePart:
    changes = tuple(_change(resource, c, origins) for c in resource.visible_changes)
    writes = resource.action.changes_something
    shown = not options.summary and (writes or options.show_unchanged)
    return ResourcePart(
        str(resource.address),
        sign_of(resource.action),
        tone_of(resource),
        planned_phrase(resource),
        resource.identity,
        resource.reason,
        resource.notes,
        changes,
        tuple(_items(resource, attributes(resource), origins)) if shown else (),
        tuple(_suppressed(resource)) if options.show_suppressed else (),
        resource.unchanged,
        tuple(map(str, resource.depends_on)),
        few and bool(changes),
    )


def _change(resource: PlannedResource, change: FieldChange, origins: Origins) -> Change:
    absent, gone = change.live is None, change.wanted is None
    remarks = []
    if change.by == ChangedBy.OUTSIDE:
        remarks.append("changed outside phift")
    if change.remark and change.remark != change.action.force:
        remarks.append(change.remark.removeprefix(f"{change.action.force}; "))
    if change.applied is not None and not change.sensitive and change.applied not in (change.live, change.wanted):
        remarks.append(f"last applied: {item_value(change.applied)}")
    return Change(
        "+" if absent else "\u2212" if gone else "~",
        change.path,
        "" if absent else _shown(change.live, change),
        "" if gone else _shown(change.wanted, change),
        change.action.force,
        "; ".join(remarks),
        "" if gone else origin_of(resource, change.path, origins),
    )


def _shown(data: Any, change: FieldChange) -> str:
    return SENSITIVE if change.sensitive else item_value(data)


def _items(resource: PlannedResource, values: Mapping[str, Any], origins: Origins) -> Iterator[Item]:
    for path, data in _leaves(values):
        yield Item(path, item_value(data), origin_of(resource, path, origins))


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, data in values.items():
        path = f"{above}{key}"
        if isinstance(data, Mapping):
            yield from _leaves(data, f"{path}.")
        elif data is not None and data != []:
            yield path, data


def _suppressed(resource: PlannedResource) -> Iterator[Item]:
    for change in resource.changes:
        if change.action is ChangeAction.SUPPRESSED:
            why = f"rule {change.rule}" + (f": {change.reason}" if change.reason else "")
            yield Item(change.path, f"{_shown(change.live, change)} for {_shown(change.wanted, change)}", why)


def brief(cost: Cost) -> str:
    """Return the sums in a few words: `apply $8, $2,679 a month (+2,679)`."""
    monthly = cost.per_month - cost.per_month_now
    said = [f"apply ${cost_text.money(cost.once.middle)}"] if cost.once.middle else []
    if any(line.continuous for line in cost.lines):
        change = f" ({monthly:+,.0f})" if round(monthly) else ""
        said.append(f"${cost_text.month(cost.per_month)} a month{change}")
    return ", ".join(said)


def _cost(cost: Cost, plan: Plan) -> CostPart:
    return CostPart(
        cost_text.title(cost),
        tuple(cost_text.rows(cost)),
        cost_text.totals(cost, plan.purpose),
        cost.notes,
        brief(cost),
    )


def tone_counts(counts: Counts) -> tuple[tuple[str, str, int, str], ...]:
    """Return the numbers of the count line, as (tone, symbol, number, words)."""
    return (
        ("add", "+", counts.add, "to add"),
        ("change", "~", counts.change, "to change"),
        ("destroy", "\u2212", counts.destroy, "to destroy"),
    )
