"""Quota check over the stacks of a run, each of which fits alone, before anything is billed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError
from phift.kinds.demand import Demand, available
from phift.phases.results import Planned, StackPlan
from phift.preflight.waivers import split
from phift.state.facts import Usage
from phift.workbench.open import Workbench

__all__ = ["summed"]


def summed(planned: Iterable[StackPlan]) -> Iterator[StackPlan]:
    """Add a warning (quota-several) to the plan of each stack that does not fit together with the stacks before it.

    This is not an error: a cluster releases its nodes after the job, and stacks can be applied one by one.
    """
    taken: dict[tuple[object, str], dict[str, int]] = defaultdict(dict)
    for one in planned:
        if isinstance(one, Planned) and (found := [w for d in one.demands if (w := _together(one, d, taken))]):
            warnings, waived = split(found, one.bench.loaded.spec.waivers)
            notes = (*one.plan.notes, *(w.note for w in waived))
            yield replace(one, plan=replace(one.plan, warnings=(*one.plan.warnings, *warnings), notes=notes))
        else:
            yield one


def _together(one: Planned, demand: Demand, taken: dict[tuple[object, str], dict[str, int]]) -> Diagnostic | None:
    """Add the demand of a resource to `taken`. Return a warning if the total exceeds the quota."""
    bench = one.bench
    usages = _usages(bench)
    resource = bench.stack.resource(demand.address)
    # stacks can share a cluster: count its nodes once
    who = f"shared {resource.name.lower()}" if demand.shared and resource else f"{one.stack} {demand.address}"
    found = None
    for pool in demand.pools:
        entered = taken[one.place, pool]
        others = sum(vcpus for name, vcpus in entered.items() if name != who)
        additional = demand.vcpus - demand.released.get(pool, 0)
        entered[who] = max(additional, entered.get(who, 0))
        usage = usages.get(pool)
        if found or usage is None or usage.unlimited or not others or additional > usage.free:
            continue
        if others + entered[who] > usage.free:
            found = Diagnostic(
                f"{demand.address} needs {demand.vcpus} vCPUs of {usage.name}, besides {others} for other stacks; "
                f"only {available(usage, demand)} available",
                severity=Severity.WARNING,
                detail=f"{demand.how}. In use: {usage.used} of {usage.limit}.",
                remedy="Raise the limit before you apply all of them (Azure portal, Quotas, Machine Learning), or "
                "apply fewer stacks.",
                mark=bench.loaded.mark(demand.path),
                path=demand.path,
                address=str(demand.address),
                code="quota-several",
            )
    return found


def _usages(bench: Workbench) -> dict[str, Usage]:
    """Return the usages that the check of the stack has read; empty if that failed, which it has reported."""
    try:
        return {usage.pool: usage for usage in bench.remote.usages()}
    except AzureError:
        return {}
