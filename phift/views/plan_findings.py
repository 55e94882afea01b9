"""The findings of plans, as GitHub's annotations or as SARIF; what changes is in the other formats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from phift.exits import ExitCode
from phift.phases.results import Planned
from phift.views.base import NO_OPTIONS, PlanOptions
from phift.views.findings import Finding, of_diagnostics, of_error
from phift.views.github import annotated
from phift.views.human.plan import count_line
from phift.views.sarif import log

if TYPE_CHECKING:
    from phift.phases import ManyPlans
    from phift.plan.model import Plan

__all__ = ["github", "github_of_many", "sarif", "sarif_of_many"]


def github(planned: Plan, options: PlanOptions = NO_OPTIONS) -> str:
    """Return an annotation for each warning, and the count line."""
    return _lines(of_diagnostics(planned.warnings), count_line(planned))


def github_of_many(planned: ManyPlans, options: PlanOptions = NO_OPTIONS) -> str:
    """Return an annotation for each error and warning of the stacks, and the total count line."""
    return _lines(list(_of_stacks(planned)), str(planned.counts))


def sarif(planned: Plan, options: PlanOptions = NO_OPTIONS) -> str:
    """Return the warnings of the plan as a log."""
    return log(of_diagnostics(planned.warnings), ExitCode.OK)


def sarif_of_many(planned: ManyPlans, options: PlanOptions = NO_OPTIONS) -> str:
    """Return the errors and warnings of the stacks as a log."""
    return log(list(_of_stacks(planned)), planned.exit_code)


def _lines(found: list[Finding], last: str) -> str:
    return "\n".join([*([annotated(found)] if found else []), last])


def _of_stacks(planned: ManyPlans) -> Iterator[Finding]:
    seen: set[Finding] = set()
    for one in planned.stacks:
        found = of_diagnostics(one.plan.warnings) if isinstance(one, Planned) else of_error(one.error)
        yield from (finding for finding in found if finding not in seen)
        seen.update(found)
