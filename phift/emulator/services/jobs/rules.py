"""What may change in a job, and the error for a missing one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.record import Job, find_job

__all__ = ["check_unchanged", "find_or_404", "merge_metadata"]


# what may never change after the first PUT, in the order and words of the service's message
_IMMUTABLE = {
    "jobType": "JobType",
    "settings": "Settings",
    "inputs": "Inputs",
    "outputs": "Outputs",
    "jobs": "Jobs",
    "computeId": "ComputeId",
    "experimentName": "ExperimentName",
    "componentId": "ComponentId",
    "identity": "Identity",
    "command": "Command",
    "codeId": "CodeId",
    "environmentId": "EnvironmentId",
    "environmentVariables": "EnvironmentVariables",
    "searchSpace": "SearchSpace",
    "samplingAlgorithm": "SamplingAlgorithm",
    "objective": "Objective",
    "trial": "Trial",
}


_BINDINGS = {"inputs": "InputBindings", "outputs": "OutputBindings"}


def check_unchanged(emulator: Emulator, job: Job, sent: Mapping[str, Any]) -> None:
    """Raises ServiceError 400 if a PUT of an existing job changes what is fixed at its creation."""
    # (assumed: pipeline_put_again_is_compared)
    changed = [key for key in _IMMUTABLE if (sent.get(key) or None) != (job.submitted.get(key) or None)]
    if job.job_type == "Pipeline" and not holds(emulator.store, "pipeline_put_again_is_compared"):
        changed = changed or ["inputs", "outputs"]
    if changed:
        words = [_IMMUTABLE[key] for key in changed] + [_BINDINGS[key] for key in changed if key in _BINDINGS]
        listed = ",  ".join(words)
        raise ServiceError(
            400,
            "UserError",
            "A job with this name already exists. If you are trying to create a new job, use a different name. If you"
            f" are trying to update an existing job, the existing job's {listed} cannot be changed. Only description,"
            " tags, displayName, properties, and isArchived can be updated.",
            inner=("Immutable", "JobPropertyImmutable"),
            parameters={"property": listed},
        )


def merge_metadata(job: Job, sent: Mapping[str, Any]) -> None:
    """Apply what may change. Tags and properties are merged: what is left out stays (field reports)."""
    job.tags |= {str(key): str(value) for key, value in (sent.get("tags") or {}).items()}
    job.properties |= sent.get("properties") or {}
    if sent.get("displayName"):
        job.display_name = str(sent["displayName"])
    if "description" in sent:
        job.description = sent["description"]
    for key in ("isArchived", "hidden"):
        if isinstance(sent.get(key), bool):
            job.archived = sent[key]


def find_or_404(emulator: Emulator, name: str) -> Job:
    """The job; raises ServiceError 404 in the service's words."""
    if (job := find_job(emulator.store, name)) is None:
        raise ServiceError(404, "UserError", f"Job {name} not found.", inner=("NotFound", "JobNotFound"))
    return job
