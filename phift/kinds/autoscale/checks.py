"""Checks of autoscale settings: metrics that exist, rules that do not work against each other, quota, capacity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from phift.diagnostics import Diagnostic, Severity
from phift.errors import AzureError
from phift.kinds.autoscale.parts import AutoscaleParts
from phift.kinds.check import check, has
from phift.kinds.shared.reserve import reserved
from phift.kinds.subject import Subject
from phift.spec.autoscale import RuleBlock
from phift.spec.scaling_metrics import GPU
from phift.state.desired import Desired
from phift.state.facts import REGION, pool_of

__all__ = ["has_metrics", "is_balanced", "within_limits", "within_quota"]

_PATH = "deployment.autoscale"


@check(
    "autoscale-metrics",
    reads="metrics, GPUs of the size",
    source="the spec, the region",
    applies=has("autoscale"),
)
def has_metrics(subject: Subject) -> Iterator[Diagnostic]:
    """autoscale-metric: a rule compares a GPU metric of a size without GPUs, which never has a value."""
    for desired in subject.stack.of_kind("autoscale"):
        size = subject.facts.size(_size(subject))
        wrong = sorted({rule.metric for rule in _rules(subject) if rule.metric in GPU})
        if wrong and size is not None and size.gpus == 0:
            yield _at(
                subject,
                desired,
                Diagnostic(
                    f"{size.name} has no GPU: {', '.join(wrong)} never has a value",
                    detail="Without values, a rule never applies.",
                    remedy="Compare CpuUtilizationPercentage, RequestsPerMinute or RequestLatency instead.",
                    code="autoscale-metric",
                ),
            )


@check("autoscale-rules", reads="rules that add and remove instances", source="the spec", applies=has("autoscale"))
def is_balanced(subject: Subject) -> Iterator[Diagnostic]:
    """autoscale-one-way, autoscale-flapping: instances that are never removed, or removed and added in turns."""
    for desired in subject.stack.of_kind("autoscale"):
        for name, rules in _profiles(subject):
            steps = {rule.step[0] for rule in rules}
            where = f"schedule {name}" if name else "deployment.autoscale"
            if "add" in steps and not steps & {"remove", "set"}:
                yield _at(
                    subject,
                    desired,
                    Diagnostic(
                        f"{where} adds instances and never removes them",
                        severity=Severity.WARNING,
                        detail="After the first peak, the deployment stays at its highest number of instances.",
                        remedy="Add a rule such as {metric: GpuUtilizationPercentage, below: 25, remove: 1}.",
                        code="autoscale-one-way",
                    ),
                )
            for metric in sorted({rule.metric for rule in rules}):
                out = [r.comparison[1] for r in rules if r.metric == metric and r.step[0] == "add"]
                into = [r.comparison[1] for r in rules if r.metric == metric and r.step[0] == "remove"]
                if out and into and max(into) >= min(out):
                    yield _at(
                        subject,
                        desired,
                        Diagnostic(
                            f"{where}: {metric} adds instances from {min(out):g} and removes them up to {max(into):g}",
                            severity=Severity.WARNING,
                            detail="Both rules apply to the values between; the number of instances then oscillates.",
                            remedy=f"Remove instances well below {min(out):g}.",
                            code="autoscale-flapping",
                        ),
                    )


@check(
    "autoscale-quota",
    reads="vCPU limits",
    source="the region",
    applies=has("autoscale"),
)
def within_quota(subject: Subject) -> Iterator[Diagnostic]:
    """quota-most: the maximum exceeds the quota of the region. The usage is read only if the setting changes."""
    changed = {r.address for r in subject.planned if r.action.changes_something}
    for desired in subject.stack.of_kind("autoscale"):
        size = subject.facts.size(_size(subject))
        if desired.address not in changed or size is None or not size.family:
            continue
        needed = reserved(desired.parts.maximum, size.name) * size.vcpus
        try:
            usages = {usage.pool: usage for usage in subject.remote.usages()}
        except AzureError:
            return  # the quota check reports it
        for pool in (pool_of(size.family), REGION):
            usage = usages.get(pool)
            if usage is None or usage.unlimited or needed <= usage.limit:
                continue
            yield _at(
                subject,
                desired,
                Diagnostic(
                    f"{desired.address} may scale to {needed} vCPUs of {usage.name}; the limit is {usage.limit}",
                    severity=Severity.WARNING,
                    detail=f"{desired.parts.maximum} instances of {size.name}, with the reserve of the service. Beyond "
                    "the limit, the autoscaler cannot add instances.",
                    remedy="Lower the maximum, or raise the limit: Azure portal, Quotas, Machine Learning.",
                    code="quota-most",
                ),
            )
            return


@check("autoscale-limits", reads="live number of instances", source="the workspace", applies=has("autoscale"))
def within_limits(subject: Subject) -> Iterator[Diagnostic]:
    """autoscale-outside: the live number of instances is outside the limits of an enabled setting."""
    for desired in subject.stack.of_kind("autoscale"):
        setting, deployment = subject.live(desired), None
        for scaled in subject.stack.of_kind("deployment"):
            deployment = subject.live(scaled)
        if setting is None or deployment is None or not setting.properties.get("enabled"):
            continue
        count = deployment.properties.get("instance_count")
        least = min((s[0] for s in _limits(subject)), default=1)
        if isinstance(count, int) and not least <= count <= desired.parts.maximum:
            yield _at(
                subject,
                desired,
                Diagnostic(
                    f"{deployment.name} has {count} instances; deployment.autoscale allows {least} to "
                    f"{desired.parts.maximum}",
                    severity=Severity.WARNING,
                    detail="The number was changed outside phift, or the limits were edited. The autoscaler corrects "
                    "it within minutes.",
                    remedy="If it does not change, see the activity log of the resource group.",
                    code="autoscale-outside",
                ),
            )


def _profiles(subject: Subject) -> Iterator[tuple[str, Sequence[RuleBlock]]]:
    """Yield the rules of the block and of the schedules that have their own, by name."""
    deployment = subject.loaded.spec.deployment
    if deployment is None or deployment.autoscale is None:
        return
    yield "", deployment.autoscale.own_rules
    for name, schedule in deployment.autoscale.schedules.items():
        if schedule.own_rules is not None:
            yield name, schedule.own_rules


def _rules(subject: Subject) -> list[RuleBlock]:
    return [rule for _, rules in _profiles(subject) for rule in rules]


def _limits(subject: Subject) -> Iterator[tuple[int, int]]:
    deployment = subject.loaded.spec.deployment
    if deployment is None or deployment.autoscale is None:
        return
    block = deployment.autoscale
    yield block.minimum, block.maximum
    for schedule in block.schedules.values():
        minimum, _, maximum = block.limits(schedule)
        yield minimum, maximum


def _size(subject: Subject) -> str:
    deployment = subject.loaded.spec.deployment
    return deployment.instance_type if deployment else ""


def _at(subject: Subject, desired: Desired[AutoscaleParts], finding: Diagnostic) -> Diagnostic:
    return subject.at(_PATH, replace(finding, address=str(desired.address)))
