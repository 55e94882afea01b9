"""Check that a training fits the memory of its GPUs and nodes, and say so in the plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from phift.diagnostics import Diagnostic
from phift.kinds.check import check
from phift.kinds.subject import Subject
from phift.plan.action import Action

__all__ = ["memory"]


def _runs(subject: Subject) -> bool:
    """Return whether a job of the stack will run."""
    actions = {planned.address: planned.action for planned in subject.planned}
    return any(actions.get(job.address) is Action.RUN for job in subject.stack.of_kind("job"))


@check(
    "memory",
    reads="shape of the model, memory of the VM size, lengths of the rows",
    source="the catalogue and the data",
    applies=_runs,
)
def memory(subject: Subject) -> Iterator[Diagnostic]:
    """memory-cannot-fit, an error, and memory-tight, a warning, for a job that will run."""
    actions = {planned.address: planned.action for planned in subject.planned}
    for job in subject.stack.of_kind("job"):
        if actions.get(job.address) is not Action.RUN or (training := job.parts.training()) is None:
            continue
        from phift.estimate.words import finding

        found = finding(training, _accepted(subject))
        if found is not None:
            yield subject.at("compute.finetune.size", replace(found, address=str(job.address)))


def _accepted(subject: Subject) -> Sequence[str]:
    """Return the sizes that the model and the spec accept for fine-tuning."""
    model = subject.facts.base_model
    listed = model.finetune.sizes if model else ()
    own = [size.lower() for compute in subject.stack.of_kind("compute") for size in getattr(compute.parts, "allow", ())]
    return [size for size in listed if not own or size.lower() in own]
