"""Run documents of run history, as recorded in 2026-02 and 2026-03."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from phift.emulator.core.documents import PRINCIPAL
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.documents import all_properties, moment
from phift.emulator.services.jobs.record import Job, Run, Status, find_job
from phift.emulator.services.runs.definition import run_definition
from phift.emulator.services.runs.kinds import is_script, job_kind, sweep_kind, trial_kind
from phift.emulator.services.runs.outputs import run_outputs

__all__ = ["run_details", "run_document", "run_error"]

_NO_TIME = "0001-01-01T00:00:00+00:00"
_NULLS = (
    "token",
    "tokenExpiryTimeUtc",
    "warnings",
    "lastStartTimeUtc",
    "currentComputeTime",
    "effectiveStartTimeUtc",
    "cancelationReason",
    "scheduleId",
    "scriptName",
    "runDefinition",
    "jobSpecification",
    "primaryMetricName",
    "createdFrom",
    "completeUri",
    "queueingInfo",
    "inputs",
    "outputs",
)


def run_document(emulator: Emulator, run: Run) -> dict[str, Any]:
    """A run: the job itself, the component in it or one of its steps."""
    job = _job_of(emulator, run)
    base = _base(emulator, run)
    if run.run_id == job.name:
        return {**base, **_of_job(emulator, job, run)}
    document = {**base, **_of_child(emulator, run)}
    if run.kind == "trial":
        document |= trial_kind(run)
    elif run.kind == "sweep":
        document |= sweep_kind(run, document["properties"])
    original = _run(emulator, run.reused) if run.reused else None
    return {**document, **_of_reused(document, original)} if original else document


def run_details(emulator: Emulator, run: Run, log_files: dict[str, str]) -> dict[str, Any]:
    """What `jobs.stream` polls: status, logs and error (assumed: run_details_keys)."""
    document = run_document(emulator, run)
    job = _job_of(emulator, run)
    kept = ("runId", "target", "status", "startTimeUtc", "endTimeUtc", "error", "warnings", "services", "properties")
    return {
        **{key: document.get(key) for key in kept},
        "inputDatasets": [],
        "outputDatasets": [],
        "runDefinition": run_definition(emulator, job, run) if is_script(job, run) else None,
        "logFiles": log_files,
        "submittedBy": PRINCIPAL,
    }


def run_error(emulator: Emulator, job: Job, run: Run) -> dict[str, Any] | None:
    """The error of a failed run: of a step what it said, of a job which nodes failed, with their words as details."""
    if run.status is not Status.FAILED:
        return None
    if is_script(job, run):
        return _error(emulator, run.error_code or "UserError", f"\n{run.error}", _NO_TIME, "CommonRuntime")
    below = {run_id: found for run_id in job.runs if (found := _run(emulator, run_id))}
    failed = [step for step in below.values() if step.kind in ("step", "sweep") and step.status is Status.FAILED]
    if run.kind == "sweep":
        failed = []
    if run.kind == "pipeline":
        failed = [step for step in failed if step.parent == run.run_id]
    if not failed:
        return _error(emulator, run.error_code or "UserError", run.error, moment(run.ended), "")
    nodes = ", ".join(_path(below, step) for step in failed)
    error = _error(
        emulator,
        "UserError",
        f"Pipeline has failed child jobs. Failed nodes: {nodes}. For more details and logs, please go to the job"
        " detail page and check the child jobs.",
        moment(run.ended),
        "",
    )
    error["error"] |= {
        "messageFormat": "Pipeline has failed child jobs. {0}",
        "referenceCode": "PipelineHasStepJobFailed",
        "details": [
            {"code": step.error_code, "message": f"{step.node}: {step.error}", "target": step.run_id, "details": []}
            for step in failed
        ],
    }
    return error


def _path(below: Mapping[str, Run], step: Run) -> str:
    """Of a step in its job, as the service names failed nodes."""
    parent = below.get(step.parent)
    return (_path(below, parent) if parent else "") + f"/{step.node}"


def _error(emulator: Emulator, code: str, message: str, at: str | None, component: str) -> dict[str, Any]:
    place = None if component else emulator.workspace.location
    inner = dict.fromkeys(
        (
            "severity",
            "messageFormat",
            "referenceCode",
            "detailsUri",
            "target",
            "innerError",
            "debugInfo",
            "additionalInfo",
        )
    )
    return {
        "error": {"code": code, "message": message, "messageParameters": {}, "details": [], **inner},
        "correlation": None,
        "environment": place,
        "location": place,
        "time": at,
        "componentName": component,
    }


def _job_of(emulator: Emulator, run: Run) -> Job:
    job = find_job(emulator.store, run.root)
    if job is None:
        raise LookupError(f"run {run.run_id} belongs to no job")
    return job


def _run(emulator: Emulator, run_id: str) -> Run | None:
    body = emulator.store.get("run", run_id)
    return None if body is None else Run.load(body)


def _base(emulator: Emulator, run: Run) -> dict[str, Any]:
    person = {
        "userObjectId": str(uuid.uuid5(uuid.NAMESPACE_OID, emulator.cloud.client_id)),
        "userPuId": f"{uuid.uuid5(uuid.NAMESPACE_DNS, PRINCIPAL).int:032X}"[:16],
        "userIdp": None,
        "userAltSecId": None,
        "userIss": f"https://sts.windows.net/{emulator.workspace.tenant_id}/",
        "userTenantId": emulator.workspace.tenant_id,
        "userName": PRINCIPAL,
        "upn": None,
        "clientApplicationId": None,
        "applicationACR": None,
    }
    seconds = run.ended - run.started if run.ended and run.started else None
    return {
        **dict.fromkeys(_NULLS),
        "runNumber": run.number,
        "rootRunId": run.root,
        "createdUtc": run.created,
        "createdBy": person,
        "userId": person["userObjectId"],
        "revision": run.revision,
        "statusRevision": run.revision,
        "runUuid": _guid(run.run_id),
        "parentRunUuid": _guid(run.parent) if run.parent else None,
        "rootRunUuid": _guid(run.root),
        "computeDuration": _span(seconds),
        "lastModifiedBy": person,
        "lastModifiedUtc": run.modified,
        "duration": _span(seconds),
        "currentAttemptId": 1,
        "runId": run.run_id,
        "parentRunId": run.parent or None,
        "experimentId": _guid(f"{emulator.workspace.workspace_id}/{_job_of(emulator, run).experiment}"),
        "status": run.status.value,
        "startTimeUtc": moment(run.started),
        "endTimeUtc": moment(run.ended),
        "dataContainerId": f"dcid.{run.run_id}",
        "parameters": {},
        "settings": {},
        "services": {},
        "inputDatasets": [],
        "outputDatasets": [],
        "error": run_error(emulator, _job_of(emulator, run), run),
    }


def _of_job(emulator: Emulator, job: Job, run: Run) -> dict[str, Any]:
    cancel = f"{_studio(emulator)}/PipelineRuns/{job.name}/cancel"
    computes = sorted({work["compute"] for work in job.works if work["compute"]})
    return {
        "name": None,
        "displayName": job.display_name,
        "description": job.description,
        "hidden": job.archived,
        **job_kind(job),
        "properties": all_properties(emulator, job, run),
        "tags": job.tags,
        "actionUris": {"Cancel": cancel},
        "cancelUri": cancel,
        "target": None,
        "uniqueChildRunComputeTargets": computes,
        "computeRequest": None,
        "compute": None,
        "diagnosticsUri": None,
        "retainForLifetimeOfWorkspace": False,
        "inputs": {},
        "outputs": run_outputs(emulator, job, run),
    }


def _of_reused(document: dict[str, Any], original: Run) -> dict[str, Any]:
    """What differs in a step that takes over the work of another (recorded 2023-02)."""
    pipeline = original.root
    marks = {
        "azureml.isreused": "true",
        "azureml.reusedrunid": original.run_id,
        "azureml.reusednodeid": original.run_id.split("-")[0],
        "azureml.reusedpipeline": pipeline,
        "azureml.reusedpipelinerunid": pipeline,
    }
    return {
        "currentAttemptId": None,
        "dataContainerId": f"dcid.{original.run_id}",
        "runTypeV2": {"orchestrator": None, "traits": [document["runType"]], "attribution": None, "computeType": None},
        "properties": {**marks, **document["properties"]},
        "actionUris": {"Cancel": document["cancelUri"]},
        "computeRequest": None,
        "compute": None,
        "diagnosticsUri": None,
    }


def _of_child(emulator: Emulator, run: Run) -> dict[str, Any]:
    name, _, version = run.component.partition(":")
    compute = run.compute
    is_step = run.kind == "step"
    node_id = run.run_id.split("-")[0]
    cancel = f"{_studio(emulator)}/runs/{run.run_id}/Cancel"
    run_type = "azureml.StepRun" if is_step else "azureml.PipelineRun"
    properties = {
        "azureml.DevPlatv2": "true",
        "azureml.DatasetAccessMode": "Asset",
        "azureml.moduleName": name,
        "azureml.moduleVersion": version or "1",
        "azureml.runsource": run_type,
        "azureml.nodeid": node_id,
        "azureml.pipelinerunid": run.parent,
        "azureml.pipeline": run.parent,
        "azureml.rootpipelinerunid": run.root,
        "azureml.pipelineComponent": "masterescloud",
    }
    if is_step:
        properties |= {"StepType": "PythonScriptStep", "ComputeTargetType": "AmlCompute"}
    if is_step and compute:
        properties |= {"_azureml.ComputeTargetType": "amlctrain", "_azureml.ClusterName": compute}
    return {
        "name": name,
        "displayName": run.display_name or run.node,
        "description": None,
        "hidden": False,
        "runType": run_type,
        "runTypeV2": {
            "orchestrator": "Execution" if is_step else "Pipeline",
            "traits": [run_type, *(("scriptRun", "remote", "OsType:Linux") if is_step else ())],
            "attribution": "Aether" if is_step else None,
            "computeType": "AmlcTrain" if is_step and compute else None,
        },
        "properties": properties,
        "tags": {"azureml.nodeid": node_id, "azureml.pipeline": run.parent},
        "actionUris": {"Cancel": cancel, "Diagnose": ""},
        "cancelUri": cancel,
        "target": compute or None,
        "uniqueChildRunComputeTargets": [],
        "computeRequest": {"nodeCount": 1, "gpuCount": 0} if is_step else None,
        "compute": {
            "target": compute,
            "targetType": "amlcompute",
            "vmSize": None,
            "instanceType": None,
            "instanceCount": 1,
            "gpuCount": 0,
            "priority": None,
            "region": None,
            "armId": None,
            "properties": None,
        }
        if is_step and compute
        else None,
        "diagnosticsUri": "",
        "retainForLifetimeOfWorkspace": None,
    }


def _studio(emulator: Emulator) -> str:
    workspace = emulator.workspace
    return (
        f"https://{workspace.location}.api.azureml.ms/studioservice/apiv2/subscriptions/{workspace.subscription_id}"
        f"/resourceGroups/{workspace.resource_group}/workspaces/{workspace.name}"
    )


def _guid(text: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, text))


def _span(seconds: float | None) -> str | None:
    """A .NET TimeSpan: hours, minutes, seconds with seven digits, which nothing at all has not."""
    if seconds is None:
        return None
    whole = int(seconds)
    if not seconds:
        return "00:00:00"
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{int((seconds - whole) * 1e7):07d}"
