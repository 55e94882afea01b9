"""Plan to destroy a stack: delete what is billed, keep data, models and jobs."""

from __future__ import annotations

from dataclasses import replace

from phift.address import Address
from phift.diagnostics import errors_of
from phift.errors import RefusedError
from phift.kinds.registry import KINDS
from phift.kinds.subject import Subject
from phift.phases.drafting import Draft, plan_from, prune, refused
from phift.plan.action import Purpose
from phift.plan.model import Plan
from phift.plan.removal import decide_removal
from phift.plan.standing import Policy
from phift.preflight.permissions import lacking
from phift.state.live import Observation
from phift.workbench.identity import known_id
from phift.workbench.open import Workbench, open_workbench
from phift.workbench.orphans import strangers
from phift.workbench.request import Connector, Request
from phift.workbench.strays import with_strays

__all__ = ["destroy_draft", "destroy_plan"]


def destroy_plan(request: Request, connect: Connector, *, archive: bool = False, take_over: bool = False) -> Plan:
    """Plan a destroy: delete the billed resources of the stack, cancel running jobs, keep data and models.

    take_over: also delete resources with the name of the stack that another spec owns. Raises RefusedError for
    protected resources, for resources that another spec owns, and for a stack that moved. The data need not be
    available.
    """
    return destroy_draft(request, connect, archive=archive, take_over=take_over).plan


def destroy_draft(request: Request, connect: Connector, *, archive: bool = False, take_over: bool = False) -> Draft:
    """Return the plan of `destroy_plan` with its workbench, for `apply_draft`. Raises the errors of `destroy_plan`."""
    bench = open_workbench(request, connect, looking=True, planning=True)
    observed = _observe_all(bench)
    policy = Policy(take_over=take_over, lost=bench.remembered.lost(bench.stack, observed, generated=False))
    resources, findings = decide_removal(bench.stack, observed, policy, archive=archive)
    others = list(strangers(bench))
    pruned, kept = prune(bench, others if take_over else ())
    findings = (*findings, *kept, *([] if take_over else refused(bench, others, verb="destroy")))
    planned = with_strays(bench, (*resources, *pruned), observed, thorough=True, destroying=True)
    findings = (*findings, *lacking(bench.stack, planned, bench.remote))
    if errors_of(findings):
        raise RefusedError(list(findings))
    stack_plan = plan_from(bench, request, planned, id=known_id(bench, observed))
    stack_plan = replace(stack_plan, purpose=Purpose.DESTROY, warnings=(*bench.unidentified, *findings))
    if not bench.azure.local:
        from phift.phases.costing import begin_estimate

        subject = Subject(bench.loaded, bench.stack, bench.resolved.facts, observed, planned, bench.remote)
        if (estimate := begin_estimate(bench, subject, planned)) is not None:
            stack_plan = replace(stack_plan, cost=estimate.finish())
    return Draft(stack_plan, bench)


def _observe_all(bench: Workbench) -> dict[Address, Observation]:
    """Read all resources, including jobs."""
    return {r.address: KINDS[r.address.kind].wire.read(bench.context, r) for r in bench.stack.resources}
