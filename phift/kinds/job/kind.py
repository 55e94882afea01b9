"""The kind `job`: one run of the fine-tune pipeline component, named by its digest and therefore never run twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from phift.errors import JobFailedError
from phift.kinds.base import Kind, Wire
from phift.kinds.context import Context
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.job.base_model import own_weights
from phift.kinds.job.checks import lifecycle, trainer
from phift.kinds.job.compile import training_job
from phift.kinds.job.memory import memory
from phift.kinds.job.parts import JobObservation, JobParts
from phift.kinds.job.plan import decide
from phift.kinds.job.serverless import serverless_demand, serverless_size
from phift.kinds.job.unwatched import unwatched
from phift.kinds.job.words import WORDS, result, status
from phift.kinds.job.work import work
from phift.plan.action import Action
from phift.plan.model import Decided
from phift.state.desired import Desired, Stack
from phift.state.permissions import ML, Needed
from phift.state.traits import Nature, Traits

__all__ = ["JOB"]

_LONGEST = 7 * 24 * 3600.0
"""Timeout in seconds: a job can wait a week for low-priority nodes."""


def _wire() -> Wire[JobParts, JobObservation]:
    from phift.kinds.job.wire import JobWire

    return JobWire()


def _decided(desired: Desired[JobParts], decided: Decided) -> Desired[JobParts]:
    if not isinstance(desired.parts, JobParts):
        return desired  # an earlier job of the stack, to be cancelled
    return replace(desired, parts=replace(desired.parts, attempt=decided.attempt))


def _retry(desired: Desired[JobParts], error: JobFailedError) -> Desired[JobParts] | None:
    """Return the next attempt if the infrastructure failed and the spec allows a retry; otherwise None."""
    parts = desired.parts
    if not error.infrastructure or parts.attempt > parts.retries:
        return None
    return replace(desired, parts=replace(parts, attempt=parts.attempt + 1))


def _permissions(action: Action, stack: Stack) -> Iterable[Needed]:
    """Submitting writes the job; deleting cancels it; adopting a running one only waits."""
    if action is Action.RUN:
        yield Needed(f"{ML}/jobs/write")
    elif action is Action.DELETE:
        yield Needed(f"{ML}/jobs/cancel/action")


def _unattended(desired: Desired[JobParts]) -> str:
    """Return that nobody keeps the time limits of a job, if it has any."""
    limits = desired.parts.limits
    return f"nobody keeps {limits} until the next apply; run `phift expire SPEC` on a schedule" if limits else ""


def _export(exporting: Exporting, desired: Desired[JobParts], seen: JobObservation | None) -> Exported:
    from phift.kinds.job.export import export

    return export(exporting, desired, seen)


def _objects(context: Context, desired: Desired[JobParts]) -> list[str]:
    from phift.kinds.job.wire import JobWire

    return JobWire().names(context)


def _edits(desired: Desired[JobParts]) -> Iterator[Mapping[str, Any]]:
    """Yield another seed; for a component without one, another length of the training."""
    parameters = desired.inputs.get("parameters") or {}
    for name in ("seed", "max_steps", "num_train_epochs"):
        if isinstance(value := parameters.get(name), int) and value >= 0:
            yield {"finetune": {"parameters": {name: value + 1}}}


JOB = Kind(
    name="job",
    traits=Traits(
        nature=Nature.RUN,
        deadline=_LONGEST,
        historic=True,
        trains=True,
        single=True,
        instead="Its name is derived from its content: change the spec. To re-run a failed job: --retry-failed.",
    ),
    compile=training_job,
    load_wire=_wire,
    export=_export,
    blocks=("finetune.parameters", "finetune"),
    objects=_objects,
    edits=_edits,
    permissions=_permissions,
    decide=decide,
    checks=(lifecycle, own_weights, trainer, memory, serverless_size),
    demand=serverless_demand,
    decided=_decided,
    retry=_retry,
    training=lambda desired: desired.parts.training(),
    unattended=_unattended,
    unwatched=unwatched,
    work=work,
    words=WORDS,
    status=status,
    result=result,
)
