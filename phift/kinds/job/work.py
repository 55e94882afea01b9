"""The nodes that a training bills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.kinds.charge import DEDICATED, Rate, Work
from phift.kinds.job.parts import JobParts
from phift.kinds.subject import Subject
from phift.spec import ComputeRef
from phift.state.desired import Desired

__all__ = ["work"]

_FINETUNE, _OTHER = Address("compute", "finetune"), Address("compute", "other_steps")


def work(subject: Subject, desired: Desired[JobParts]) -> Work | None:
    """Return the nodes of the training and of the other steps; None if the VM size is unknown."""
    block, section = subject.loaded.spec.finetune, subject.loaded.spec.compute
    nodes = block.instance_count if block else 1
    rate = _rate(subject, _FINETUNE, section.finetune, nodes)
    if rate is None:
        return None
    kept, others = (_properties(subject, subject.stack.resource(address)) for address in (_FINETUNE, _OTHER))
    return Work(
        rate,
        other=_rate(subject, _OTHER, section.other_steps, 1) if section.other_steps is not None else None,
        idle=_idle(kept),
        other_idle=_idle(others),
        always=_always(kept),
        other_always=_always(others),
        base_model=desired.parts.base_model,
        retries=desired.parts.retries,
    )


def _idle(cluster: Mapping[str, Any]) -> float:
    return float(cluster.get("idle_time_before_scale_down") or 0)


def _always(cluster: Mapping[str, Any]) -> int:
    return int(cluster.get("min_instances") or 0)


def _rate(subject: Subject, address: Address, written: Any, nodes: int) -> Rate | None:
    compute = subject.stack.resource(address)
    if compute is None:
        serverless = written.serverless if isinstance(written, ComputeRef) else ""
        return Rate(serverless, nodes) if serverless else None
    size, _ = subject.size_of(compute)
    properties = _properties(subject, compute)
    chosen = next((one.decided.tier for one in subject.planned if one.address == address), "")
    tier, region = chosen or properties.get("tier") or DEDICATED, properties.get("location") or ""
    return Rate(size, nodes, str(tier), str(region)) if size else None


def _properties(subject: Subject, compute: Desired[Any] | None) -> dict[str, Any]:
    """Return the properties of a cluster after the apply: those of the live one where the stack does not manage it."""
    if compute is None:
        return {}
    live = subject.live(compute)
    return {**(live.properties if live is not None else {}), **subject.effective(compute)}
