"""The report of a stack as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from phift.plan.model import Plan
from phift.views.html.origins import labels_of
from phift.views.html.page import Link, document
from phift.views.html.plan_parts import plan_part
from phift.views.html.plans import value_rows
from phift.views.html.report_parts import applies, last_seconds, rows_of, state_rows, test_rows, training_part

if TYPE_CHECKING:
    from phift.phases.build_report import Report

__all__ = ["report"]

T = TypeVar("T")


def report(found: Report) -> str:
    """Return the report as a document. Texts of rows are in it only if the report has read them."""
    from phift.phases.build_report import Missing

    plan = found.plan if isinstance(found.plan, Plan) else None
    values = () if isinstance(found.values, Missing) else found.values
    records = () if isinstance(found.history, Missing) else found.history
    trainings = None if isinstance(found.trainings, Missing) else found.trainings
    status = None if isinstance(found.status, Missing) else found.status
    part = None
    if plan is not None:
        origins = labels_of(values, found.spec_path) if values else None
        part = plan_part(plan, origins=origins, seconds=last_seconds(records))
    links = [
        Link("changes", "Pending changes"),
        *([Link("order", "Order")] if part and part.order and part.order.tasks else []),
        *([Link("cost", "Cost")] if part and part.cost else []),
        Link("training", "Training"),
        Link("tests", "Tests"),
        Link("history", "History"),
        Link("state", "Resources"),
        *([Link("rows", "Rows")] if found.rows else []),
        *([Link("values", "Values")] if values else []),
    ]
    return document(
        "report.html.j2",
        title=f"Report of {found.stack}",
        where=f"target {found.target}, {found.workspace}",
        created=found.created,
        counts=part.counts if part and plan and plan.changes_something else (),
        verdict="" if part is None else "" if plan and plan.changes_something else "No changes pending",
        money=part.cost.brief if part and part.cost else "",
        links=links,
        found=found,
        part=part,
        problem=found.plan if isinstance(found.plan, Missing) else None,
        training=training_part(trainings, "chart") if trainings and trainings.runs else None,
        training_problem=found.trainings if isinstance(found.trainings, Missing) else None,
        tests=test_rows(records, trainings),
        applies=applies(records),
        history_problem=found.history if isinstance(found.history, Missing) else None,
        state=state_rows(status) if status else [],
        state_notes=status.notes if status else (),
        usd=status.usd_per_hour if status and status.billed else None,
        state_problem=found.status if isinstance(found.status, Missing) else None,
        rows=[(one, None) if isinstance(one, Missing) else (None, rows_of(one)) for one in found.rows],
        values=value_rows(values, found.spec_path),
        value_notes=found.notes,
    )
