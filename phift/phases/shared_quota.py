"""Stacks that fit the quota each by itself, and not together: told before the first of them spends anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError
from phift.kinds.demand import Demand
from phift.phases.results import StackPlan
from phift.state.facts import Usage
from phift.workbench.open import Workbench
from phift.workbench.sessions import place_of

__all__ = ["summed"]


def summed(planned: Iterable[StackPlan]) -> Iterator[StackPlan]:
    """The same, with a warning (quota-several) in the plan of each stack that no longer fits beside those before it.

    It is no error: nodes of a cluster are let go after their job, and stacks may be applied one by one.
    """
    taken: dict[tuple[object, str], dict[str, int]] = defaultdict(dict)
    for one in planned:
        warnings = [w for demand in one.demands if one.bench and (w := _beside(one, one.bench, demand, taken))]
        if one.plan and warnings:
            one = replace(one, plan=replace(one.plan, warnings=(*one.plan.warnings, *warnings)))
        yield one


def _beside(
    one: StackPlan, bench: Workbench, demand: Demand, taken: dict[tuple[object, str], dict[str, int]]
) -> Diagnostic | None:
    """Enters what a resource takes; the warning where it does not fit beside what is entered already."""
    usages = _usages(bench)
    resource = bench.stack.resource(demand.address)
    # stacks may train on one cluster: its nodes are the same
    who = f"shared {resource.name.lower()}" if demand.shared and resource else f"{one.stack} {demand.address}"
    found = None
    for pool in demand.pools:
        entered = taken[place_of(bench.loaded), pool]
        others = sum(vcpus for name, vcpus in entered.items() if name != who)
        entered[who] = max(demand.vcpus, entered.get(who, 0))
        usage = usages.get(pool)
        if found or usage is None or usage.unlimited or not others or demand.vcpus > usage.free:
            continue
        if others + entered[who] > usage.free:
            found = Diagnostic(
                f"{demand.address} needs {demand.vcpus} vCPUs of {usage.name}, besides {others} for other stacks; "
                f"only {usage.free} available",
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
    """What the stack's own check has read; nothing where it could not, which it has told."""
    try:
        return {usage.pool: usage for usage in bench.remote.usages()}
    except AzureError:
        return {}
