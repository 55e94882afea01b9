"""The plan of one stack, and those of several, as a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from phift.phases.results import Planned
from phift.plan.model import Plan
from phift.spec import Rendered
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.html.origins import labels_of
from phift.views.html.page import Link, document
from phift.views.html.plan_parts import PlanPart, brief, item_value, plan_part, tone_counts

if TYPE_CHECKING:
    from phift.phases import ManyPlans, StackPlan

__all__ = ["ValueRow", "plan", "plans", "value_rows"]

ValueRow = tuple[str, str, str]
"""Path, value and origin of a value of the spec."""


class _Stack(NamedTuple):
    """A stack of several. part: None if it could not be planned. shown: whether it has a section."""

    id: str
    name: str
    found: StackPlan
    part: PlanPart | None
    shown: bool


def plan(planned: Plan, options: PlanOptions = NO_OPTIONS, *, values: Sequence[Rendered] | None = None) -> str:
    """Return the plan as a document. values: of the final spec with their origins; None if the spec is not known, as of
    a saved plan."""
    origins = None if values is None else labels_of(values, planned.spec_path)
    part = plan_part(planned, options, origins=origins)
    return document(
        "plan.html.j2",
        title=f"Plan of {planned.stack}",
        where=_where(planned),
        created=planned.created,
        counts=part.counts,
        verdict="" if planned.changes_something else "No changes",
        money=part.cost.brief if part.cost else "",
        links=links_of(part, values=bool(values)),
        part=part,
        values=value_rows(values or (), planned.spec_path),
    )


def plans(planned: ManyPlans, options: PlanOptions = NO_OPTIONS) -> str:
    """Return the plans of several stacks as one document with an index. Origins of values are left out, and stacks
    without changes and findings are in the index only, unless unchanged resources are shown."""
    stacks = [
        _Stack(
            f"s{n}",
            one.stack or str(one.request.path),
            one,
            plan_part(one.plan, options, id=f"s{n}-order") if isinstance(one, Planned) else None,
            not isinstance(one, Planned)
            or one.plan.changes_something
            or bool(one.plan.warnings)
            or options.show_unchanged,
        )
        for n, one in enumerate(planned.stacks, 1)
    ]
    failed = len(planned.failed)
    return document(
        "plans.html.j2",
        title=f"Plans of {len(planned.stacks)} stacks",
        where=f"{failed} could not be planned" if failed else "",
        created=max((p.created for p in planned.plans), default=""),
        counts=tone_counts(planned.counts),
        verdict="" if planned.changes_something or failed else "No changes",
        money=brief(planned.cost) if planned.cost else "",
        links=(Link("index", "Stacks"),),
        stacks=stacks,
        line=str(planned.counts),
    )


def links_of(part: PlanPart, *, values: bool) -> tuple[Link, ...]:
    """Return the navigation of a plan."""
    found = [Link("findings", "Findings")] if part.lost or part.plan.warnings or part.plan.notes else []
    found.append(Link("changes", "Changes"))
    if part.order and part.order.tasks:
        found.append(Link("order", "Order"))
    if part.cost:
        found.append(Link("cost", "Cost"))
    if values:
        found.append(Link("values", "Values"))
    return tuple(found)


def value_rows(values: Sequence[Rendered], spec_path: str) -> list[ValueRow]:
    """Return path, value and origin of each value."""
    labels = labels_of(values, spec_path)
    return [(one.path, item_value(one.value), labels[one.path]) for one in values]


def _where(planned: Plan) -> str:
    target = "" if planned.workspace.startswith(planned.target) else f"target {planned.target}, "
    return f"{target}{planned.workspace}"
