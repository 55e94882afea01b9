"""Job documents of the resource manager, as recorded from 2023 to 2026. Their keys follow the api-version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from phift.emulator.core.apiversions import before, shown
from phift.emulator.core.documents import PRINCIPAL, timestamp
from phift.emulator.services.assets.locations import BLOB_STORE
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.record import Job, Run, Status

__all__ = ["all_properties", "child_document", "job_document", "moment", "studio_url", "trial_document"]

_LITERAL_KEYS = ("description", "jobInputType", "value")
_ASSET_KEYS = ("description", "uri", "mode", "pathOnCompute", "jobInputType")
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
_NULL_SINCE = "2024"
"""Empty inputs come back as sent by older versions, and as null by newer ones (recorded 2023-10 and 2026-02)."""
_SWEEP_PROPERTIES = {
    "resume_from": "null",
    "runTemplate": "HyperDrive",
    "azureml.runsource": "hyperdrive",
    "platform": "AML",
}
_PREPARING_UNTIL = "2024"
"""Older versions answer the first PUT of a pipeline with Preparing and all server properties, newer ones with
NotStarted and none (recorded 2023-10 and 2026-03)."""


def moment(seconds: float) -> str | None:
    """Seconds since the epoch as the service writes times; None for 0."""
    return timestamp(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def studio_url(emulator: Emulator, run_id: str) -> str:
    workspace = emulator.workspace
    return (
        f"https://ml.azure.com/runs/{run_id}?wsid=/subscriptions/{workspace.subscription_id}"
        f"/resourcegroups/{workspace.resource_group}/workspaces/{workspace.name}"
    )


def job_document(emulator: Emulator, job: Job, run: Run, api_version: str, *, first: bool = False) -> dict[str, Any]:
    """The document of a submitted job; its keys and their order are those of the service. first: it answers the PUT
    that made the job."""
    sent = job.submitted
    kind = {"Command": _command, "Sweep": _sweep}.get(job.job_type, _pipeline)
    properties = {
        "description": job.description,
        "tags": job.tags,
        "properties": job.properties,
        "parentJobName": None,
        "displayName": job.display_name,
        "status": run.status.value,
        "experimentName": job.experiment,
        "services": _services(emulator, job.name, api_version),
        "computeId": sent.get("computeId"),
        "isArchived": job.archived,
        "identity": sent.get("identity"),
        "componentId": sent.get("componentId"),
        "notificationSetting": sent.get("notificationSetting"),
        "secretsConfiguration": None,
        "jobType": job.job_type,
        **kind(emulator, job, run, api_version, first),
    }
    return {
        "id": f"{emulator.workspace.arm_id}/jobs/{job.name}",
        "name": job.name,
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "properties": shown("job", properties, api_version),
        "systemData": _system_data(job.created),
    }


def _pipeline(emulator: Emulator, job: Job, run: Run, api_version: str, first: bool) -> dict[str, Any]:
    sent = job.submitted
    early = run.status is Status.NOT_STARTED and before(api_version, _PREPARING_UNTIL)
    empty: dict[str, Any] | None = {} if before(api_version, _NULL_SINCE) else None
    inputs = {name: _input(body, api_version) for name, body in (sent.get("inputs") or {}).items()}
    outputs = {name: _output(body, api_version) for name, body in (sent.get("outputs") or {}).items()}
    return {
        "properties": all_properties(emulator, job, run, early=early),
        "status": Status.PREPARING.value if early else run.status.value,
        "settings": sent.get("settings"),
        "jobs": sent.get("jobs"),
        "inputs": inputs or empty,
        "outputs": outputs or empty,
        "sourceJobId": None,
    }


def _command(emulator: Emulator, job: Job, run: Run, api_version: str, first: bool) -> dict[str, Any]:
    """The keys of a command job (recorded 2026-03). It is Starting when it is made, Preparing when it is read next."""
    sent = job.submitted
    compute = str(sent.get("computeId") or "").rpartition("/")[2]
    tier: Mapping[str, Any] = sent.get("queueSettings") or {}
    return {
        "properties": {
            **job.properties,
            "_azureml.ComputeTargetType": "amlctrain",
            "_azureml.ClusterName": compute or None,
        },
        "status": _early_status(run, first),
        "resources": _resources(sent.get("resources") or {}, api_version),
        "codeId": sent.get("codeId"),
        "command": sent.get("command"),
        "environmentId": sent.get("environmentId"),
        "inputs": {name: _input(body, api_version) for name, body in (sent.get("inputs") or {}).items()},
        "outputs": _outputs_and_log(job.name, sent, api_version),
        "distribution": sent.get("distribution"),
        "autologgerSettings": sent.get("autologgerSettings"),
        "limits": sent.get("limits"),
        "environmentVariables": sent.get("environmentVariables") or {},
        "parameters": run.hyperparameters,
        "queueSettings": shown(
            "job queue", {"jobTier": tier.get("jobTier") or "Null", "priority": tier.get("priority")}, api_version
        ),
    }


def _sweep(emulator: Emulator, job: Job, run: Run, api_version: str, first: bool) -> dict[str, Any]:
    """The keys of a sweep job (assumed: sweep_documents)."""
    sent = job.submitted
    copied = ("searchSpace", "samplingAlgorithm", "limits", "earlyTermination", "objective", "trial", "queueSettings")
    return {
        "properties": _sweep_properties(job, run),
        "status": _early_status(run, first),
        **{key: sent.get(key) for key in copied},
        "inputs": {name: _input(body, api_version) for name, body in (sent.get("inputs") or {}).items()},
        "outputs": _outputs_and_log(job.name, sent, api_version),
        "resources": _resources(sent.get("resources") or {}, api_version),
    }


def _sweep_properties(job: Job, run: Run) -> dict[str, str]:
    started = {} if run.status is Status.NOT_STARTED else _SWEEP_PROPERTIES
    return {**job.properties, **started, **job.results}


def _amlcompute(cluster: str) -> dict[str, str]:
    named = {"_azureml.ClusterName": cluster} if cluster else {}
    return {"_azureml.ComputeTargetType": "amlctrain", **named}


def trial_document(emulator: Emulator, job: Job, run: Run, api_version: str) -> dict[str, Any]:
    """The document of a trial: a command job whose parent is the sweep (assumed: sweep_documents)."""
    trial = job.submitted.get("trial") or {}
    of_sweep = ("inputs", "outputs", "computeId", "experimentName", "identity", "queueSettings", "resources")
    submitted = {
        "jobType": "Command",
        **{key: job.submitted[key] for key in of_sweep if key in job.submitted},
        **{key: value for key, value in trial.items() if value is not None},
    }
    command = Job(
        name=run.run_id,
        submitted=submitted,
        tags={"hyperparameters": json.dumps(run.hyperparameters)},
        properties={"hyperparameters": json.dumps(run.hyperparameters)},
        display_name=run.run_id,
        description=None,
        archived=False,
        created=run.created,
        works=[],
    )
    document = job_document(emulator, command, run, api_version)
    if "parentJobName" in document["properties"]:
        document["properties"]["parentJobName"] = job.name
    return document


def _early_status(run: Run, first: bool) -> str:
    waiting = run.status is Status.NOT_STARTED
    return ("Starting" if first else Status.PREPARING.value) if waiting else run.status.value


def _resources(given: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    resources = {
        "instanceCount": given.get("instanceCount") or 1,
        "maxInstanceCount": given.get("maxInstanceCount"),
        "instanceType": given.get("instanceType"),
        "locations": given.get("locations"),
        "properties": given.get("properties"),
        "shmSize": given.get("shmSize") or "2g",
        "dockerArgs": given.get("dockerArgs"),
        "dockerArgsList": given.get("dockerArgsList"),
    }
    return shown("job resources", resources, api_version)


def _outputs_and_log(run_id: str, sent: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    """The outputs, and the place of logs and artifacts as another one."""
    log = {
        "uri": f"azureml://datastores/workspaceartifactstore/ExperimentRun/dcid.{run_id}",
        "mode": "ReadWriteMount",
        "jobOutputType": "uri_folder",
    }
    outputs: Mapping[str, Any] = {**(sent.get("outputs") or {}), "default": log}
    return {name: _output(body, api_version) for name, body in outputs.items()}


def child_document(emulator: Emulator, run: Run) -> dict[str, Any]:
    """The document of a job inside a pipeline: it has no `properties` at all (recorded 2023-10)."""
    return {
        "id": f"{emulator.workspace.arm_id}/jobs/{run.run_id}",
        "name": run.run_id,
        "type": "Microsoft.MachineLearningServices/workspaces/jobs",
        "systemData": _system_data(run.created),
    }


def all_properties(emulator: Emulator, job: Job, run: Run, *, early: bool = False) -> dict[str, Any]:
    """The user's properties and those the service adds once the run started, all of them text. early: before, too."""
    if job.job_type == "Sweep":
        return _sweep_properties(job, run)
    if job.job_type == "Command":
        cluster = str(job.submitted.get("computeId") or "").rpartition("/")[2]
        return {**job.properties, **_amlcompute(cluster)}
    if run.status is Status.NOT_STARTED and not early:
        return dict(job.properties)
    settings: Mapping[str, Any] = job.submitted.get("settings") or {}
    literals = {
        name: body.get("value")
        for name, body in (job.submitted.get("inputs") or {}).items()
        if body.get("jobInputType") == "literal"
    }
    compute = str(job.submitted.get("computeId") or settings.get("default_compute") or "")
    datastore = str(settings.get("default_datastore") or BLOB_STORE)
    component = job.submitted.get("componentId")
    added = {
        **({"azureml.SourceComponentId": component} if component else {}),  # recorded 2022-11
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
        "azureml.defaultDataStoreName": datastore.rstrip("/").rsplit("/", 1)[-1],
        "azureml.pipelineComponent": "pipelinerun",
    }
    if run.status.ended:
        word = "Finished" if run.status is Status.COMPLETED else run.status.value
        stage = {"StartTime": moment(run.started), "EndTime": moment(run.ended), "Status": word}
        added["azureml.pipelines.stages"] = json.dumps(
            {"Initialization": None, "Execution": stage}, separators=(",", ":")
        )
    return {**job.properties, **added}


def _services(emulator: Emulator, run_id: str, api_version: str) -> dict[str, Any]:
    workspace = emulator.workspace
    rest = shown("job service", {"status": None, "errorMessage": None, "properties": None, "nodes": None}, api_version)
    tracking = f"azureml://{workspace.location}.api.azureml.ms/mlflow/v1.0{workspace.arm_id}?"
    return {
        "Tracking": {"jobServiceType": "Tracking", "port": None, "endpoint": tracking, **rest},
        "Studio": {"jobServiceType": "Studio", "port": None, "endpoint": studio_url(emulator, run_id), **rest},
    }


def _input(body: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    keys = _LITERAL_KEYS if body.get("jobInputType") == "literal" else _ASSET_KEYS
    shown_keys = {key: body.get(key) for key in keys}
    if "uri" in shown_keys:
        shown_keys["mode"] = shown_keys["mode"] or "ReadOnlyMount"  # recorded 2022-11
    return shown("job input", shown_keys, api_version)


def _output(body: Mapping[str, Any], api_version: str) -> dict[str, Any]:
    keys = {key: body.get(key) for key in _OUTPUT_KEYS}
    return shown("job output", {**keys, "mode": keys["mode"] or "ReadWriteMount"}, api_version)


def _system_data(created: str) -> dict[str, str]:
    return {"createdAt": created, "createdBy": PRINCIPAL, "createdByType": "User"}
