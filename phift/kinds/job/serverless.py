"""Serverless compute of a job: its VM sizes, and the vCPUs that its fine-tune step needs."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic
from phift.kinds.check import check
from phift.kinds.demand import Demand
from phift.kinds.job.parts import JobParts
from phift.kinds.shared.sizes import availability, size_findings, without_gpu
from phift.kinds.subject import Subject
from phift.kinds.words import plural
from phift.plan.action import Action
from phift.state.desired import Desired
from phift.state.facts import REGION, pool_of

__all__ = ["serverless_demand", "serverless_size"]

_FINETUNE, _STEPS = "compute.finetune", "compute.other_steps"


def _is_serverless(subject: Subject) -> bool:
    return any(one.parts.serverless or one.parts.serverless_steps for one in subject.stack.of_kind("job"))


@check(
    "job-serverless-size",
    reads="VM size of serverless compute: allow-list of the model, sizes that the region offers",
    source="registry document of the model, VM sizes of the region, phift's catalogue",
    unknown=("no-list-known",),
    applies=_is_serverless,
)
def serverless_size(subject: Subject) -> Iterator[Diagnostic]:
    """size-not-allowed, no-list-known, size-without-gpu, and those of `availability`."""
    facts = subject.facts
    for desired in subject.stack.of_kind("job"):
        address, size, steps = str(desired.address), desired.parts.serverless, desired.parts.serverless_steps
        writes = subject.action(desired) is Action.RUN
        if size:
            found = [
                *availability(size, facts, "finetune", (), address, writes=writes),
                *without_gpu(facts.size(size), address),
                *(size_findings(size, facts.base_model, "finetune", (), address, facts) if facts.base_model else ()),
            ]
            yield from (subject.at(_FINETUNE, finding) for finding in found)
        if steps:
            found = list(availability(steps, facts, "finetune", (), address, writes=writes))
            yield from (subject.at(_STEPS, finding) for finding in found)


def serverless_demand(subject: Subject, desired: Desired[JobParts], action: Action, trains: bool) -> Demand | None:
    """Return the demand of a job whose fine-tune step runs on serverless compute; it waits in the queue for it."""
    size = subject.facts.size(desired.parts.serverless) if desired.parts.serverless else None
    if size is None or not size.family or action is not Action.RUN:
        return None
    nodes = desired.parts.nodes
    vcpus = nodes * size.vcpus
    return Demand(
        desired.address,
        _FINETUNE,
        size,
        (pool_of(size.family), REGION),
        vcpus,
        vcpus,
        f"{nodes} x {size.vcpus}: {plural(nodes, 'node')} of {size.name}",
        lambda other: nodes * other.vcpus,
        queues=True,
    )
