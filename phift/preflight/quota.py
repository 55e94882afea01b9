"""The quota check: report insufficient vCPUs during planning instead of during an apply."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError
from phift.kinds.check import check
from phift.kinds.demand import Demand, available
from phift.kinds.shared.sizes import offered_sizes
from phift.kinds.subject import Subject
from phift.preflight.demand import demands
from phift.state.facts import LOW_PRIORITY, REGION, Consumer, Size, Usage, pool_of

__all__ = ["quota"]

_NAMED = 5
"""Maximum number of objects to name that use a pool."""
_EXCEEDED = "quota-exceeded"
_MORE = "To request more: Azure portal, Quotas, Machine Learning."


def _read(subject: Subject) -> str:
    """Return the usage of the pools that the plan needs."""
    try:
        usages = {usage.pool: usage for usage in subject.remote.usages()}
    except AzureError:
        return "vCPU usage and limits"
    pools = dict.fromkeys(pool for demand in demands(subject) for pool in demand.pools)
    rows = [usages[pool] for pool in pools if pool in usages]
    return "; ".join(f"{u.name}: {u.used} in use, {'no limit' if u.unlimited else f'limit {u.limit}'}" for u in rows)


@check(
    "quota",
    reads=_read,
    source="usages of the region",
    unknown=("quota-unknown",),
    applies=lambda subject: any(True for _ in demands(subject)),
)
def quota(subject: Subject) -> Iterator[Diagnostic]:
    """Yield quota-exceeded, quota-shared, quota-most and quota-unknown.

    quota-exceeded is an error if the resource can never fit or does not fit now; otherwise a warning, as are the other
    codes. The usage of the region is read only if the plan needs vCPUs.
    """
    wanted = list(demands(subject))
    if not wanted:
        return
    try:
        usages = {usage.pool: usage for usage in subject.remote.usages()}
    except AzureError as error:
        yield _unknown("quota not checked: the usage of the region cannot be read", error.summary)
        return
    fitting = []
    for demand in wanted:
        if demand.pools[0] not in usages:
            what = f"quota not checked for {demand.size.name}"
            yield subject.at(
                demand.path, _unknown(what, f"The usage of the region does not list {demand.size.family}.")
            )
            continue
        # A warning about one pool must not hide that another has too few vCPUs.
        findings = [found for pool in demand.pools if (found := _alone(subject, demand, usages, pool))]
        finding = min(findings, key=_weight, default=None)
        if finding:
            yield subject.at(demand.path, finding)
        if finding is None or finding.code != _EXCEEDED:
            fitting.append(demand)
    yield from _together(subject, fitting, usages)


def _weight(finding: Diagnostic) -> tuple[bool, bool]:
    return finding.code != _EXCEEDED, finding.severity is not Severity.ERROR


def _alone(subject: Subject, demand: Demand, usages: Mapping[str, Usage], pool: str) -> Diagnostic | None:
    usage = usages.get(pool)
    if usage is None or usage.unlimited:
        return None
    address = str(demand.address)
    free = available(usage, demand)
    if demand.vcpus <= free:
        if demand.most <= usage.limit:
            return None
        return Diagnostic(
            f"{address} may scale to {demand.most} vCPUs of {usage.name}; the limit is {usage.limit}",
            severity=Severity.WARNING,
            detail="A job that requests more nodes than the quota allows waits in the queue.",
            remedy=f"Lower max_instances, or raise the limit. {_MORE}",
            address=address,
            code="quota-most",
        )
    never = demand.certain > usage.limit
    now = demand.certain > free and not demand.later and not demand.queues
    detail = f"{demand.how}. In use: {usage.used} of {usage.limit}{_held_by(subject, usage)}."
    if not never and not now:
        detail += (
            " A job waits in the queue until they are available."
            if demand.queues
            else " It is needed only after the job has finished; the quota may be available by then."
            if demand.later and demand.certain > free
            else " The service reserves more instances than requested for most sizes; whether it does for this one is "
            "not known."
        )
    return Diagnostic(
        f"{address} needs {demand.vcpus} vCPUs of {usage.name}; only {free} available",
        severity=Severity.ERROR if never or now else Severity.WARNING,
        detail=detail,
        remedy=_remedy(subject, demand, usages),
        address=address,
        code=_EXCEEDED,
    )


def _together(subject: Subject, wanted: list[Demand], usages: Mapping[str, Usage]) -> Iterator[Diagnostic]:
    """Check resources together: a cluster keeps its nodes for some time after the job, while the deployment is
    created."""
    by_pool: dict[str, list[Demand]] = defaultdict(list)
    for demand in wanted:
        for pool in demand.pools:
            by_pool[pool].append(demand)
    for pool, several in by_pool.items():
        usage, total = usages.get(pool), sum(d.vcpus for d in several)
        if usage is None or usage.unlimited:
            continue
        free = available(usage, *several)
        if total <= free:
            continue
        yield subject.at(
            several[-1].path,
            Diagnostic(
                f"{' and '.join(str(d.address) for d in several)} need {total} vCPUs of {usage.name} together; "
                f"only {free} available",
                severity=Severity.WARNING,
                detail=f"{'; '.join(d.how for d in several)}. In use: {usage.used} of {usage.limit}"
                f"{_held_by(subject, usage)}. Each fits alone, "
                "but a cluster releases its nodes only some time after the job.",
                remedy="Lower compute.finetune.idle_time_before_scale_down. If the deployment is rejected, re-run "
                f"`phift apply` later; nothing is trained twice. {_MORE}",
                address=str(several[-1].address),
                code="quota-shared",
            ),
        )
        return


def _held_by(subject: Subject, usage: Usage) -> str:
    """Name the objects of the workspace that use a pool; empty if there are none, or they cannot be read."""
    if not usage.used:
        return ""
    try:
        found = [c for c in subject.remote.consumers() if usage.pool in _pools_of(subject, c)]
    except AzureError:
        return ""
    named = [f"{c.name} ({c.count} x {c.size})" for c in found[:_NAMED]]
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return f", by {', '.join((*named, *more))}" if named else ", by others in the region"


def _pools_of(subject: Subject, consumer: Consumer) -> tuple[str, ...]:
    size = subject.facts.size(consumer.size)
    if consumer.low_priority:
        return (LOW_PRIORITY,)
    return (pool_of(size.family), REGION) if size else (REGION,)


def _remedy(subject: Subject, demand: Demand, usages: Mapping[str, Usage]) -> str:
    desired = subject.stack.resource(demand.address)
    ways = []
    if desired is not None:
        if names := _fitting(subject, demand, usages):
            ways.append(f"Sizes that fit: {', '.join(names)}.")
        seen = subject.observed.get(desired.address)
        if seen is not None and seen.others:
            ways.append("If downtime is acceptable, run `phift destroy`, then `phift apply`; nothing is trained again.")
    return " ".join([*ways, _MORE])


def _fitting(subject: Subject, demand: Demand, usages: Mapping[str, Usage]) -> list[str]:
    """Return other sizes that the model and the author allow and that fit now, in the order of the model's list."""
    model = demand.model or subject.facts.base_model
    own = {name.lower() for name in demand.allow}
    found = []
    for name in offered_sizes(model.allow_list(demand.task).sizes if model else (), demand.task, subject.facts):
        size = subject.facts.size(name)
        if size is None or not size.family or size.name == demand.size.name or (own and name.lower() not in own):
            continue
        if _fits(_resized(demand, size), usages):
            found.append(size.name)
    return found


def _resized(demand: Demand, size: Size) -> Demand:
    pools = demand.pools if len(demand.pools) == 1 else (pool_of(size.family), *demand.pools[1:])
    return replace(demand, size=size, pools=pools, vcpus=demand.resized(size))


def _fits(demand: Demand, usages: Mapping[str, Usage]) -> bool:
    rows = [usages.get(pool) for pool in demand.pools]
    return rows[0] is not None and all(u is None or u.unlimited or demand.vcpus <= available(u, demand) for u in rows)


def _unknown(what: str, why: str) -> Diagnostic:
    return Diagnostic(what, severity=Severity.WARNING, detail=why, code="quota-unknown")
