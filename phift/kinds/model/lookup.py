"""Versions of a model, and trainings without a version, with what they record: those of earlier specs too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.compile.naming import job_name
from phift.errors import NotFoundError
from phift.kinds.context import Context
from phift.kinds.model.parts import FileParts, ModelParts, ReferenceParts
from phift.kinds.shared.versions import version_marks, versions_in
from phift.kinds.shared.wire import READ, marks_in, owner_in
from phift.state.desired import Desired, Stack
from phift.state.measured import Measured, measured_in
from phift.state.ownership import DIGEST, STACK, inputs_in

__all__ = ["Trained", "all_versions", "model_of", "own_versions", "run_named", "version_named"]

_PARTS = (ModelParts, FileParts, ReferenceParts)


@dataclass(frozen=True)
class Trained:
    """A version of a model, or a job. model, version, object_id: "" for a job without a version. stack: that created
    it; "" if phift did not.

    job: the name of the training; "" if unknown. digest: of the inputs of the training; "" if its tag was removed.
    inputs: as recorded; empty if they are not. created: ISO time. measured: times of the training. archived: whether
    the version is.
    """

    model: str
    version: str
    job: str
    stack: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    created: str = ""
    measured: Measured | None = None
    archived: bool = False
    object_id: str = ""
    digest: str = ""

    @property
    def label(self) -> str:
        """`NAME:VERSION`, or the name of the job."""
        return f"{self.model}:{self.version}" if self.version else self.job


def model_of(stack: Stack) -> Desired[Any] | None:
    """Return the model that the stack registers or serves; None if it has none."""
    return next((d for d in stack.resources if isinstance(d.parts, _PARTS)), None)


def all_versions(context: Context, name: str) -> Iterator[Trained]:
    """Yield the versions of a model, archived ones too, the newest first. Raises AzureError."""
    return (_version(name, raw) for raw in versions_in(context, f"models/{name}"))


def own_versions(context: Context, desired: Desired[Any]) -> Iterator[Trained]:
    """Yield the versions that a stack owns of a model that it trains, archived ones too, the newest first.

    Yields none for a model that is not trained. Raises AzureError.
    """
    if not isinstance(desired.parts, ModelParts):
        return
    for raw in versions_in(context, f"models/{desired.name}"):
        if owner_in(context, desired, raw, version_marks(raw)).ours:
            yield _version(desired.name, raw)


def version_named(context: Context, name: str, version: str) -> Trained | None:
    """Return a version of a model, or None. Raises AzureError."""
    try:
        path = f"{context.azure.workspace.arm_id}/models/{name}/versions/{version}"
        return _version(name, context.azure.arm.get(path, READ))
    except NotFoundError:
        return None


def run_named(context: Context, job: str) -> Trained | None:
    """Return a job without the version that it may have, or None. Raises AzureError."""
    try:
        raw = context.azure.arm.get(f"{context.azure.workspace.arm_id}/jobs/{job}", READ)
    except NotFoundError:
        return None
    marks = marks_in(raw["properties"].get("properties"))
    return Trained("", "", str(raw.get("name") or job), marks.get(STACK, ""), inputs_in(marks), _created(raw))


def _version(name: str, raw: Mapping[str, Any]) -> Trained:
    properties, marks = raw["properties"], version_marks(raw)
    stack, digest = marks.get(STACK, ""), marks.get(DIGEST, "")
    inputs = inputs_in(marks)
    # The service fills in the name of the job later, or not at all. A version of files has a digest too, but no data.
    job = str(properties.get("jobName") or (job_name(stack, digest) if stack and digest and "data" in inputs else ""))
    return Trained(
        model=name,
        version=str(raw.get("name", "")),
        job=job,
        stack=stack,
        inputs=inputs,
        created=_created(raw),
        measured=measured_in(marks),
        archived=bool(properties.get("isArchived")),
        object_id=str(raw.get("id", "")),
        digest=digest,
    )


def _created(raw: Mapping[str, Any]) -> str:
    return str((raw.get("systemData") or {}).get("createdAt") or "")
