"""The definition of a run: of a pipeline and of a node the job that it is, of all others their configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.emulator.services.emulator import Emulator
from phift.emulator.services.jobs.record import Job, Run
from phift.emulator.services.runs.configuration import run_configuration, submitted_part
from phift.emulator.services.runs.kinds import is_script
from phift.emulator.services.runs.outputs import work_of_run

__all__ = ["run_definition"]

_TYPE_NUMBERS = {"uri_file": 2, "uri_folder": 3, "mltable": 4, "custom_model": 5, "mlflow_model": 6, "triton_model": 7}


_NULLS = (
    "Pipeline",
    "RunId",
    "ComponentJobs",
    "Inputs",
    "Outputs",
    "Bindings",
    "InputBindings",
    "SourceJobId",
    "ParentJobName",
    "InteractionEndpoints",
    "Identity",
    "Compute",
    "Priority",
    "Output",
    "Schedule",
    "ComponentId",
    "NotificationSetting",
    "SecretsConfiguration",
)


def run_definition(emulator: Emulator, job: Job, run: Run) -> dict[str, Any]:
    """What a run is to do: the job as it was submitted, the node of a pipeline, or the configuration of what is
    executed by itself."""
    if is_script(job, run):
        return run_configuration(emulator.store, job, run)
    return _of_node(emulator, job, run) if run.kind in ("pipeline", "sweep") else _of_job(job)


def _of_job(job: Job) -> dict[str, Any]:
    """In the data plane's own case (recorded 2026-03, of pipelines)."""
    sent = job.submitted
    return {
        "JobType": job.job_type,
        **({"PipelineJobType": "AzureML"} if job.job_type == "Pipeline" else {}),
        "ComputeId": sent.get("computeId"),
        "Settings": sent.get("settings"),
        "Jobs": sent.get("jobs"),
        "OutputBindings": {name: _binding(body) for name, body in (sent.get("outputs") or {}).items()},
        "ProvisioningState": "Succeeded",
        "Status": "NotStarted",
        "IsArchived": job.archived,
        "Properties": sent.get("properties") or {},
        "DisplayName": sent.get("displayName"),
        "ExperimentName": job.experiment,
        "Description": sent.get("description"),
        "Tags": sent.get("tags") or {},
        **dict.fromkeys(_NULLS),
    }


def _of_node(emulator: Emulator, job: Job, run: Run) -> dict[str, Any]:
    """A node that is a pipeline, as a job of its component (assumed: run_configuration)."""
    node, work = submitted_part(job, run) or job.submitted, work_of_run(emulator.store, job, run)
    return {
        **_of_job(job),
        "JobType": "Sweep" if run.kind == "sweep" else "Pipeline",
        "PipelineJobType": "AzureML",
        "Jobs": None,
        "OutputBindings": {
            output.component_name: _binding({"uri": output.uri or None, "jobOutputType": output.type})
            for output in (work.kept if work else ())
        },
        "IsArchived": False,
        "Properties": {},
        "DisplayName": run.display_name or run.node,
        "Description": None,
        "Tags": {},
        "RunId": run.run_id,
        "Inputs": node.get("inputs") or {},
        "ComponentId": node.get("componentId"),
        "ParentJobName": run.parent,
    }


def _binding(body: Mapping[str, Any] | None) -> dict[str, Any]:
    sent = body or {}
    return {
        "DatastoreId": None,
        "PathOnDatastore": None,
        "PathOnCompute": None,
        "Description": sent.get("description"),
        "Uri": sent.get("uri"),
        "Mode": sent.get("mode"),
        "AssetUri": None,
        "IsAssetJobOutput": True,
        "JobOutputType": _TYPE_NUMBERS.get(str(sent.get("jobOutputType")), 3),
        "AssetName": sent.get("assetName"),
        "AssetVersion": sent.get("assetVersion"),
        "AutoDeleteSetting": None,
    }
