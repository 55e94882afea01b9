"""Job documents of the resource manager, as recorded in 2026-03 (api-version 2024-01-01-preview)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from phift.emulator.documents import PRINCIPAL, timestamp
from phift.emulator.jobs.record import Job, Run, Status
from phift.emulator.jobs.uris import BLOB_STORE

if TYPE_CHECKING:
    from phift.emulator.context import Emulator

__all__ = ["all_properties", "child_document", "job_document", "moment", "studio_url"]

_INPUT_KEYS = {
    "literal": ("description", "jobInputType", "value"),
    "asset": ("description", "uri", "mode", "pathOnCompute", "jobInputType"),
}
_OUTPUT_KEYS = (
    "description",
    "uri",
    "assetName",
    "assetVersion",
    "mode",
    "pathOnCompute",
    "autoDeleteSetting",
    "jobOutputType",
)


def moment(seconds: float) -> str | None:
    """Seconds since the epoch as the service writes times; None for 0."""
    return timestamp(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def studio_url(emulator: Emulator, run_id: str) -> str:
    workspace = emulator.workspace
    return (
        f"https://ml.azure.com/runs/{run_id}?wsid=/subscriptions/{workspace.subscription_id}"
        f"/resourcegroups/{workspace.resource_group}/workspaces/{workspace.name}"
    )


def job_document(emulator: Emulator, job: Job, run: Run) -> dict[str, Any]:
    """The document of a submitted job; its keys and their order are those of the service."""
    sent = job.submitted
    inputs = {name: _input(body) for name, body in (sent.get("inputs") or {}).items()}
    outputs = {name: _output(body) for name, body in (sent.get("outputs") or {}).items()}
    return {
        "id": f"{emulator.workspace.arm_id}/jobs/{job.name}",
        "name": job.name,
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "properties": {
            "description": job.description,
            "tags": job.tags,
            "properties": all_properties(emulator, job, run),
            "displayName": job.display_name,
            "status": run.status.value,
            "experimentName": job.experiment,
            "services": _services(emulator, job.name),
            "computeId": sent.get("computeId"),
            "isArchived": job.archived,
            "identity": sent.get("identity"),
            "componentId": sent.get("componentId"),
            "notificationSetting": sent.get("notificationSetting"),
            "secretsConfiguration": None,
            "jobType": job.job_type,
            "settings": sent.get("settings"),
            "jobs": sent.get("jobs"),
            "inputs": inputs or None,
            "outputs": outputs or None,
            "sourceJobId": None,
        },
        "systemData": _system_data(job.created),
    }


def child_document(emulator: Emulator, run: Run) -> dict[str, Any]:
    """The document of a job inside a pipeline: it has no `properties` at all (recorded 2023-10)."""
    return {
        "id": f"{emulator.workspace.arm_id}/jobs/{run.run_id}",
        "name": run.run_id,
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "systemData": _system_data(run.created),
    }


def all_properties(emulator: Emulator, job: Job, run: Run) -> dict[str, Any]:
    """The user's properties and those the service adds once the run has begun, all of them text."""
    if run.status is Status.NOT_STARTED:
        return dict(job.properties)
    settings: Mapping[str, Any] = job.submitted.get("settings") or {}
    literals = {
        name: body.get("value")
        for name, body in (job.submitted.get("inputs") or {}).items()
        if body.get("jobInputType") == "literal"
    }
    compute = str(job.submitted.get("computeId") or settings.get("default_compute") or "")
    added = {
        "azureml.DevPlatv2": "true",
        "azureml.DatasetAccessMode": "Asset",
        "azureml.runsource": "azureml.PipelineRun",
        "runSource": "MFE",
        "runType": "HTTP",
        "azureml.parameters": json.dumps(literals),
        "azureml.continue_on_step_failure": str(bool(settings.get("continue_on_step_failure", True))),
        "azureml.continue_on_failed_optional_input": str(bool(settings.get("continue_on_failed_optional_input", True))),
        "azureml.enforceRerun": str(bool(settings.get("force_rerun", False))),
        "azureml.defaultComputeName": compute.rstrip("/").rsplit("/", 1)[-1],
        "azureml.defaultDataStoreName": BLOB_STORE,
        "azureml.pipelineComponent": "pipelinerun",
    }
    if run.status.ended:
        word = "Finished" if run.status is Status.COMPLETED else run.status.value
        stage = {"StartTime": moment(run.started), "EndTime": moment(run.ended), "Status": word}
        added["azureml.pipelines.stages"] = json.dumps({"Initialization": None, "Execution": stage})
    return {**job.properties, **added}


def _services(emulator: Emulator, run_id: str) -> dict[str, Any]:
    workspace = emulator.workspace
    rest = {"status": None, "errorMessage": None, "properties": None, "nodes": None}
    tracking = f"azureml://{workspace.location}.api.azureml.ms/mlflow/v1.0{workspace.arm_id}?"
    return {
        "Tracking": {"jobServiceType": "Tracking", "port": None, "endpoint": tracking, **rest},
        "Studio": {"jobServiceType": "Studio", "port": None, "endpoint": studio_url(emulator, run_id), **rest},
    }


def _input(body: Mapping[str, Any]) -> dict[str, Any]:
    keys = _INPUT_KEYS["literal" if body.get("jobInputType") == "literal" else "asset"]
    return {key: body.get(key) for key in keys}


def _output(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: body.get(key) for key in _OUTPUT_KEYS}


def _system_data(created: str) -> dict[str, str]:
    return {"createdAt": created, "createdBy": PRINCIPAL, "createdByType": "User"}
