"""What kind of run each run is, as run history names it."""

from __future__ import annotations

import json
from typing import Any

from phift.emulator.services.jobs.record import Job, Run

__all__ = ["is_script", "job_kind", "sweep_kind", "trial_kind"]

_SCRIPT = "azureml.scriptrun"
_SWEEP = "hyperdrive"
_SCRIPT_TRAITS = ["scriptRun", "remote", "OsType:Linux"]


def is_script(job: Job, run: Run) -> bool:
    """Whether a run executes a command by itself, so that its error is that of the command."""
    return run.kind in ("step", "trial") or (run.kind == "job" and job.job_type == "Command")


def job_kind(job: Job) -> dict[str, Any]:
    """The type of a job's own run."""
    if job.job_type == "Command":
        return _kind(_SCRIPT, "Execution", [_SCRIPT, *_SCRIPT_TRAITS], "AmlcTrain")
    if job.job_type == "Sweep":
        return _kind(_SWEEP, "HyperDrive", [_SWEEP, "MFE", "HTTP", "DevPlatv2"], None)
    return _kind("azureml.PipelineRun", "Pipeline", ["azureml.PipelineRun", "MFE", "HTTP", "DevPlatv2"], None)


def sweep_kind(run: Run, properties: dict[str, Any]) -> dict[str, Any]:
    """Type and properties of a sweep that is a node of a pipeline. properties: those of any node."""
    added = {"runTemplate": "HyperDrive", "azureml.runsource": _SWEEP, **run.results}
    return {**_kind(_SWEEP, "HyperDrive", [_SWEEP], None), "properties": {**properties, **added}}


def trial_kind(run: Run) -> dict[str, Any]:
    """Type, name, properties and tags of a trial (assumed: sweep_documents)."""
    values = {"hyperparameters": json.dumps(run.hyperparameters)}
    return {
        **_kind(_SCRIPT, "Execution", [_SCRIPT, *_SCRIPT_TRAITS], "AmlcTrain"),
        "name": None,
        "displayName": run.run_id,
        "properties": {"azureml.DevPlatv2": "true", "_azureml.ComputeTargetType": "amlctrain", **values},
        "tags": values,
    }


def _kind(run_type: str, orchestrator: str, traits: list[str], compute: str | None) -> dict[str, Any]:
    described = {"orchestrator": orchestrator, "traits": traits, "attribution": None, "computeType": compute}
    return {"runType": run_type, "runTypeV2": described}
