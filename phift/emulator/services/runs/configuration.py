"""The configuration of a run that is executed by itself: a step, a command job, a node that is a command, a trial.

The keys are those that field reports of 2022-10 show of pipeline steps (assumed: run_configuration).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from phift.emulator.core.store import Store
from phift.emulator.services.jobs.record import Job, Run
from phift.emulator.services.jobs.works import Command
from phift.emulator.services.runs.outputs import STEP_OUTPUTS, module_of, work_of

__all__ = ["run_configuration", "submitted_part"]

_DATASTORE = re.compile(r"azureml:(?://.*)?/{0,2}datastores/(?P<name>[^/]+)/paths/(?P<path>.*)", re.IGNORECASE)
_DISTRIBUTIONS = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "mpi": "Mpi", "ray": "Ray"}
_MODEL_INPUTS = ("mlflow_model_path", "pytorch_model_path")
_DATA_SUFFIXES = ("_file_path", "_mltable_path", "_split", "_data")


def run_configuration(store: Store, job: Job, run: Run) -> dict[str, Any]:
    """The run configuration of a run: what it executes, on what, with which data."""
    work = work_of(store, job, run)
    is_command = work is not None and run.path != "" and work.get("kind") == Command.kind
    part = _of_command(work) if work and is_command else submitted_part(job, run)
    work = None if part else work
    distribution = part.get("distribution") or {}
    kind = str(_either(distribution, "distributionType", "distribution_type", "type") or "").lower()
    resources = part.get("resources") or {}
    return {
        "script": None,
        "command": part.get("command") or "",
        "useAbsolutePath": False,
        "arguments": [],
        "sourceDirectoryDataStore": None,
        "framework": "Python",
        "communicator": "None",
        "target": run.compute or _last(_either(part, "computeId", "compute")),
        "dataReferences": {},
        "data": _data(part.get("inputs") or {}),
        "outputData": _output_data(part.get("outputs") or {}),
        "datacaches": [],
        "jobName": None,
        "maxRunDurationSeconds": _seconds((part.get("limits") or {}).get("timeout")),
        "nodeCount": _either(resources, "instanceCount", "instance_count") or 1,
        "instanceTypes": [each] if (each := _either(resources, "instanceType", "instance_type")) else [],
        "priority": None,
        "credentialPassthrough": False,
        "identity": part.get("identity"),
        "environment": _environment(part),
        "history": {
            "outputCollection": True,
            "directoriesToWatch": ["logs"],
            "enableMLflowTracking": True,
            "snapshotProject": True,
        },
        "amlCompute": {"name": None, "vmSize": None, "retainCluster": False, "clusterMaxNodeCount": 1},
        "tensorflow": {"workerCount": 1, "parameterServerCount": 1},
        "mpi": {"processCountPerNode": _processes(distribution) if kind == "mpi" else 1},
        "pyTorch": {
            "communicationBackend": "nccl",
            "processCount": _processes(distribution) if kind == "pytorch" else None,
        },
        "distribution": _DISTRIBUTIONS.get(kind),
        "docker": {
            "useDocker": True,
            "sharedVolumes": True,
            "shmSize": _either(resources, "shmSize", "shm_size") or "2g",
            "arguments": [],
        },
        "commandReturnCodeConfig": {"returnCode": "Zero", "successfulReturnCodes": []},
        "environmentVariables": _either(part, "environmentVariables", "environment_variables") or {},
        "applicationEndpoints": {},
        "parameters": [],
        **(_of_step(work, run) if work else {}),
    }


def submitted_part(job: Job, run: Run) -> Mapping[str, Any]:
    """What the request says of a run: all of it for the job's own, the node for one of its nodes, the trial for a run
    below a job that has one; {} for a step of a component that the request only names."""
    sent = job.submitted
    if run.run_id.casefold() == job.name.casefold():
        return sent
    node = (sent.get("jobs") or {}).get(run.node)
    if isinstance(node, dict) and run.parent.casefold() == job.name.casefold():
        return node
    trial = sent.get("trial")
    if not isinstance(trial, dict):
        return {}
    return {**{name: sent[name] for name in ("inputs", "outputs", "computeId") if name in sent}, **trial}


def _of_command(work: Mapping[str, Any]) -> dict[str, Any]:
    """What a node that is a command executes: its component's text, which the request only names."""
    return {
        "command": work["command"],
        "environment": work["environment"],
        "environmentVariables": work["variables"],
        "inputs": {
            name: {"uri": uri, "type": kind, "mode": mode} for name, (uri, kind, mode) in work["inputs"].items()
        },
        "outputs": {output["component_name"]: output for output in work["outputs"]},
    }


def _of_step(work: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """What a step of a component that is trained here is given: all parameters that the request gave to its node."""
    module = module_of(run)
    pairs = ((f"--{name}", str(work["parameters"][name])) for name in work["given"] if name in work["parameters"])
    made = STEP_OUTPUTS.get(module, ())
    return {
        "arguments": [text for pair in pairs for text in pair],
        "data": {
            name: _consumed(name, uri, {"type": kind})
            for name, (uri, kind) in work["inputs"].items()
            if module == "validation"
            or (module == "model_import" and name in _MODEL_INPUTS)
            or (module == "preprocess" and name.endswith(_DATA_SUFFIXES))
        },
        "outputData": {
            output["component_name"]: _produced(output["component_name"], {"uri": output["uri"]})
            for output in work["outputs"]
            if output["component_name"] in made
        },
        "nodeCount": int(work["nodes"]) if module == "finetune" else 1,
    }


def _data(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _consumed(name, str(body["uri"]), body)
        for name, body in inputs.items()
        if isinstance(body, dict) and body.get("uri")
    }


def _consumed(name: str, uri: str, body: Mapping[str, Any]) -> dict[str, Any]:
    kind, mode = _either(body, "jobInputType", "job_input_type", "type"), body.get("mode")
    return {
        "dataLocation": {"dataset": None, "dataPath": _data_path(uri), "uri": {"path": uri}, "type": kind},
        "mechanism": mode if mode in ("Download", "Direct") else "Mount",
        "environmentVariableName": name,
        "pathOnCompute": body.get("pathOnCompute"),
        "overwrite": False,
        "options": None,
    }


def _output_data(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _produced(name, body if isinstance(body, dict) else {}) for name, body in outputs.items()}


def _produced(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    uri = str(body.get("uri") or "")
    location = {"dataset": None, "dataPath": _data_path(uri), "uri": {"path": uri} if uri else None, "type": None}
    return {
        "outputLocation": location,
        "mechanism": "Upload" if body.get("mode") == "Upload" else "Mount",
        "additionalOptions": {"pathOnCompute": None, "uploadOptions": {"overwrite": False}, "mountOptions": None},
        "environmentVariableName": name,
    }


def _data_path(uri: str) -> dict[str, str] | None:
    found = _DATASTORE.fullmatch(uri)
    return {"datastoreName": found["name"], "relativePath": found["path"]} if found else None


def _environment(part: Mapping[str, Any]) -> dict[str, Any] | None:
    identifier = _either(part, "environmentId", "environment_id", "environment")
    if not isinstance(identifier, str):
        return None
    found = re.search(r"(?:environments/|azureml:)(?P<name>[^/:]+)(?:/versions/|:)(?P<version>[^/:]+)$", identifier)
    return {
        "name": found["name"] if found else identifier,
        "version": found["version"] if found else None,
        "assetId": identifier,
        "environmentVariables": {},
    }


def _processes(distribution: Mapping[str, Any]) -> int | None:
    count = _either(distribution, "processCountPerInstance", "process_count_per_instance")
    return count if isinstance(count, int) else None


def _seconds(span: Any) -> int | None:
    """An ISO 8601 duration of days, hours, minutes and seconds, in seconds."""
    pattern = r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?"
    found = re.fullmatch(pattern, span) if isinstance(span, str) else None
    if found is None:
        return None
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _either(body: Mapping[str, Any], *names: str) -> Any:
    """The first of the names that is there: nodes of a pipeline are in snake case, jobs in camel case."""
    return next((body[name] for name in names if body.get(name) is not None), None)


def _last(identifier: Any) -> str | None:
    return str(identifier).rstrip("/").rsplit("/", 1)[-1].removeprefix("azureml:") if identifier else None
