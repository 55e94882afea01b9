"""job: one run of the fine-tune pipeline component, named by its digest and therefore never run twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from phift.azure.blob_content import CHANGED
from phift.compile.naming import attempt_name
from phift.errors import AzureError, JobFailedError, JobTimeoutError, NotFoundError, StalePlanError
from phift.kinds.context import Context
from phift.kinds.job import run_history
from phift.kinds.job.component import BASE_MODEL, OUTPUT
from phift.kinds.job.deadlines import exceeded, overdue
from phift.kinds.job.exhausted import remedy
from phift.kinds.job.fields import TABLE
from phift.kinds.job.identity import identity_entity
from phift.kinds.job.infrastructure import passing
from phift.kinds.job.limits import NO_LIMITS, Limits
from phift.kinds.job.parts import JobObservation, JobParts
from phift.kinds.progress import Progress, Written
from phift.kinds.shared.fields import arguments, observed
from phift.kinds.shared.wire import READ, body_of, live_of, marks_in, own_marks
from phift.state.desired import Desired
from phift.state.exports import PIPELINE_OUTPUT
from phift.state.facts import ParameterFile, Weights
from phift.state.live import Live
from phift.state.ownership import DIGEST
from phift.state.states import RunState

__all__ = ["WRITE", "JobWire"]

WRITE = "2024-01-01-preview"
"""The api-version azure-ai-ml 1.35 writes pipeline jobs with."""

_MOST_ATTEMPTS = 20
_FOLDER = "phift/files/"
"""Folder of uploaded files in the blob store of the workspace, by content."""
_WEIGHTS = "phift/models/"
"""Folder of uploaded weights, by content."""
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


class JobWire:
    def read(self, context: Context, desired: Desired[JobParts]) -> JobObservation:
        """Read the job of the newest attempt, if any."""
        newest: Live | None = None
        number = 0
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            live = self._get(context, desired, attempt_name(desired.name, attempt))
            if live is None:
                break
            newest, number = live, attempt
            if not RunState.failed(live.state):
                break
        if newest is None:
            return JobObservation()
        limits, recorded = _limits(desired), Limits.recorded(newest.raw["properties"].get("tags"))
        if newest.state == RunState.CANCELED:
            cancelled = run_history.cancellation(context.azure, newest.name)
            newest = replace(newest, facts={**newest.facts, "cancelled": cancelled})
            past = exceeded(context.azure, newest.name, recorded or limits)
            return JobObservation(newest, attempt=number, cancelled=cancelled, exceeded=past)
        infrastructure = advice = ""
        if RunState.failed(newest.state):
            failure = run_history.failure(context.azure, newest.name)
            advice = _advice(failure, desired)
            infrastructure = passing(newest.state, failure.code, failure.message) if _retries(desired) else ""
        late = overdue(context.azure, newest.raw, limits)
        if recorded and not RunState.ended(newest.state):
            by_tag = late if recorded == limits else overdue(context.azure, newest.raw, recorded)
            shown = {"time_limit": str(recorded), **({"overdue": str(by_tag)} if by_tag else {})}
            newest = replace(newest, facts={**newest.facts, **shown})
        return JobObservation(newest, attempt=number, infrastructure=infrastructure, overdue=late, advice=advice)

    def observe(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return observed(TABLE, raw)

    def entity(
        self,
        context: Context,
        desired: Desired[JobParts],
        name: str,
        tags: Mapping[str, str],
        properties: Mapping[str, str],
    ) -> Any:
        """Return the pipeline job around the component, with data inputs from the outputs of earlier steps."""
        from azure.ai.ml import Input, dsl

        from phift.azure import entities

        parts = desired.parts
        component = entities.pipeline_from_component(parts.document)
        base, value = _base_model(context, parts)
        assets = {
            base: Input(**value) if isinstance(value, dict) else value,
            **{
                name: Input(type="uri_file", path=str(context.outputs[address]["uri"]))
                for name, address in parts.data.items()
            },
            **{
                name: Input(type="uri_file", path=context.azure.blobs.uri(_blob(name, file)))
                for name, file in parts.files.items()
            },
        }

        @dsl.pipeline(name=name)  # type: ignore[untyped-decorator]
        def finetune() -> dict[str, Any]:
            node = component(**parts.literals, **assets)
            node.name = parts.component
            return {PIPELINE_OUTPUT: node.outputs[OUTPUT]}

        job = entities.build_pipeline(finetune)
        job.name = name
        for name, value in arguments(TABLE, desired.properties).items():
            setattr(job, name, value)
        if parts.identity is not None:
            job.identity = identity_entity(parts.identity)
        job.tags = dict(tags)
        job.properties = dict(properties)
        job.settings.force_rerun = True
        job.settings.continue_on_step_failure = False
        return job

    def create(self, context: Context, desired: Desired[JobParts]) -> Written:
        """Submit the job. A job with this name and digest is the same: the service answers a retried PUT with 400."""

        name = attempt_name(desired.name, desired.parts.attempt)
        path = self._path(context, name)
        marks = own_marks(context, desired, path)
        self._upload(context, desired)
        tags = {**(desired.properties.get("tags") or {}), DIGEST: desired.digest, **desired.parts.limits.tags()}
        body = body_of(context, desired, self.entity(context, desired, name, tags, marks))
        headers = {"x-azureml-token": context.azure.ml_token()}
        try:
            context.azure.arm.put(path, WRITE, body, headers=headers)
        except AzureError as error:
            if error.status != 400 or not self._is_ours(context, desired, name):
                raise
        return Written({"name": name})

    def _upload(self, context: Context, desired: Desired[JobParts]) -> None:
        """Upload the files of the parameters, unless they are stored already. Raises StalePlanError if one changed."""
        weights = desired.parts.weights
        if weights is not None and weights.missing:
            raise StalePlanError(
                f"the weights in {weights.missing} are not on this machine",
                remedy="Restore the folder, and create a new plan.",
                address=str(desired.address),
            )
        folder = _folder_of(weights) if weights else ""
        files = {f"{folder}{name}": (name, file) for name, file in (weights.files if weights else {}).items()}
        files |= {_blob(name, file): (name, file) for name, file in desired.parts.files.items()}
        for blob, (name, file) in files.items():
            try:
                context.azure.blobs.upload(file.path, blob, digest=file.digest)
            except (AzureError, OSError) as error:
                if isinstance(error, AzureError) and error.code != CHANGED:
                    raise
                raise StalePlanError(
                    f"the file {file.path.name} ({name}) has changed since the plan was created",
                    remedy="Create a new plan.",
                    address=str(desired.address),
                ) from None

    def names(self, context: Context) -> list[str]:
        """Return the names of all jobs of the stack, in any state. Raises AzureError."""
        jobs = context.azure.arm.list(f"{context.azure.workspace.arm_id}/jobs", READ)
        return [name for job in jobs if (name := str(job["name"])).startswith(f"{context.stack}-")]

    def update(self, context: Context, desired: Desired[JobParts], live: Live) -> Written:
        """Write nothing: a running job is adopted by awaiting it."""
        return Written({"name": live.name})

    def delete(self, context: Context, desired: Desired[JobParts], live: Live) -> Written:
        context.azure.arm.post(f"{self._path(context, live.name)}/cancel", READ)
        return Written()

    def poll(self, context: Context, desired: Desired[JobParts], written: Written) -> Progress:
        name = str(written.outputs["name"])
        raw = context.azure.arm.get(self._path(context, name), READ)
        state = str(raw["properties"].get("status") or "NotStarted")
        if RunState.failed(state):
            return Progress(state, error=self._failure(context, name, state, desired))
        if late := overdue(context.azure, raw, desired.parts.limits):
            return Progress(state, error=_timed_out(name, late.field, late.minutes))
        seen = run_history.progress(context.azure, name)
        return Progress(
            state,
            done=state == RunState.COMPLETED,
            message=seen.step,
            current=seen.current,
            total=seen.total,
            unit=seen.unit,
            values=seen.values,
        )

    def outputs(self, context: Context, desired: Desired[JobParts], live: Live) -> Mapping[str, Any]:
        studio = ((live.raw["properties"].get("services") or {}).get("Studio") or {}).get("endpoint", "")
        return {"name": live.name, "studio": studio, "metrics": run_history.summary(context.azure, live.name)}

    def _get(self, context: Context, desired: Desired[JobParts], name: str) -> Live | None:
        try:
            raw = context.azure.arm.get(self._path(context, name), READ)
        except NotFoundError:
            return None
        return self.live(context, desired, name, raw)

    def live(self, context: Context, desired: Desired[JobParts], name: str, raw: Mapping[str, Any]) -> Live:
        """Return the live object of the document of a job."""
        properties = raw["properties"]
        return live_of(
            context,
            desired,
            raw,
            name=name,
            marks=marks_in(properties.get("properties")),
            observe=self.observe,
            state=str(properties.get("status") or "NotStarted"),
            facts={"ended": RunState.ended(str(properties.get("status")))},
        )

    def _is_ours(self, context: Context, desired: Desired[JobParts], name: str) -> bool:
        live = self._get(context, desired, name)
        return live is not None and live.ours and live.marks.get(DIGEST) == desired.digest

    def _failure(self, context: Context, name: str, state: str, desired: Desired[JobParts]) -> JobFailedError:
        if state == RunState.CANCELED and (past := exceeded(context.azure, name, _limits(desired))):
            return _timed_out(name, *past)
        if state == RunState.CANCELED:
            return JobFailedError(
                f"job {name} was cancelled",
                detail=f"It did not fail; it was cancelled {run_history.cancellation(context.azure, name)}.",
                remedy="To re-run it: `phift apply --retry-failed`.",
            )
        failure = run_history.failure(context.azure, name)
        where = f" in step {failure.step}" if failure.step else ""
        again = "Fix the cause and re-run `phift apply`; to re-run the same job, add `--retry-failed`."
        if advice := _advice(failure, desired):
            again = f"{advice} Then re-run `phift apply`."
        return JobFailedError(
            f"job {name} failed{where}",
            step=failure.step,
            log=failure.log,
            infrastructure=passing(state, failure.code, failure.message),
            detail=failure.message,
            remedy=again,
        )

    def _path(self, context: Context, name: str) -> str:
        return f"{context.azure.workspace.arm_id}/jobs/{name}"


def _limits(desired: Desired[JobParts]) -> Limits:
    """Return the limits of the spec; none for a job that is only looked up."""
    return desired.parts.limits if isinstance(desired.parts, JobParts) else NO_LIMITS


def _advice(failure: run_history.Failure, desired: Desired[JobParts]) -> str:
    """Return what helps a job that ran out of memory; "" for another failure."""
    if not failure.exhausted:
        return ""
    return remedy(failure.exhausted, desired.parts.training() if isinstance(desired.parts, JobParts) else None)


def _retries(desired: Desired[JobParts]) -> int:
    return desired.parts.retries if isinstance(desired.parts, JobParts) else 0


def _timed_out(name: str, field: str, minutes: int) -> JobTimeoutError:
    return JobTimeoutError(
        f"job {name} exceeded finetune.{field} ({minutes}) and was cancelled",
        detail="Azure does not limit the time of pipeline jobs; phift cancels a job that exceeds a limit of the spec.",
        remedy=f"Raise finetune.{field}, then re-run the job: `phift apply --retry-failed`.",
    )


def _blob(name: str, file: ParameterFile) -> str:
    """Return the blob of a file: its content decides the folder, the input and the suffix its name."""
    suffix = file.path.suffix if _SUFFIX.fullmatch(file.path.suffix) else ""
    return f"{_FOLDER}{file.digest}/{name}{suffix}"


def _folder_of(weights: Weights) -> str:
    return f"{_WEIGHTS}{weights.digest}/"


def _base_model(context: Context, parts: JobParts) -> tuple[str, Any]:
    """Return the input of the base model, and its value: text, or the arguments of an asset."""
    weights = parts.weights
    if weights is None:
        return BASE_MODEL, {"type": "mlflow_model", "path": parts.base_model}
    if weights.literal:
        return weights.input, weights.literal
    return weights.input, {"type": weights.type, "path": context.azure.blobs.uri(_folder_of(weights))}
