"""The variables of a command: those that Azure sets, and scripts and mlflow read."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phift.emulator.core.workspace import Workspace

__all__ = ["RunIdentity", "command_variables"]

_ONE_PROCESS = {
    "RANK": "0",
    "LOCAL_RANK": "0",
    "NODE_RANK": "0",
    "WORLD_SIZE": "1",
    "LOCAL_WORLD_SIZE": "1",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "6105",
    "AZUREML_NODE_COUNT": "1",
}


@dataclass(frozen=True)
class RunIdentity:
    """The run that a command belongs to. root: id of the job's own run. experiment_id: as MLflow numbers it.

    token: for the workspace's data plane, good for the longest time that a job may run.
    """

    run_id: str
    root: str
    experiment: str
    experiment_id: str
    token: str


def command_variables(
    workspace: Workspace, run: RunIdentity, inputs: Mapping[str, str], outputs: Mapping[str, str]
) -> dict[str, str]:
    """The variables that the service sets, on top of which come those of the job. inputs, outputs: values by name."""
    service = f"https://{workspace.location}.api.azureml.ms"
    return {
        **_ONE_PROCESS,
        **{f"AZURE_ML_INPUT_{name}": value for name, value in inputs.items()},
        **{f"AZURE_ML_OUTPUT_{name}": value for name, value in outputs.items()},
        **{f"AZUREML_DATAREFERENCE_{name}": value for name, value in outputs.items()},
        "AZUREML_RUN_ID": run.run_id,
        "AZUREML_ROOT_RUN_ID": run.root,
        "AZUREML_RUN_TOKEN": run.token,
        "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
        "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
        "AZUREML_ARM_PROJECT_NAME": run.experiment,
        "AZUREML_EXPERIMENT_ID": run.experiment_id,
        "AZUREML_EXPERIMENT_SCOPE": f"{workspace.arm_id}/experiments/{run.experiment}",
        "AZUREML_WORKSPACE_ID": workspace.workspace_id,
        "AZUREML_WORKSPACE_SCOPE": workspace.arm_id,
        "AZUREML_SERVICE_ENDPOINT": service,
        "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{service}/discovery",
        "AZUREML_COMPUTE_USE_COMMON_RUNTIME": "true",
        "MLFLOW_TRACKING_URI": f"{service}/mlflow/v1.0{workspace.arm_id}",
        "MLFLOW_TRACKING_TOKEN": run.token,
        "MLFLOW_RUN_ID": run.run_id,
        "MLFLOW_EXPERIMENT_ID": run.experiment_id,
        "MLFLOW_EXPERIMENT_NAME": run.experiment,
        "PATH": _path(),
        "PYTHONUNBUFFERED": "1",
    }


def _path() -> str:
    """`python` of a command is the interpreter that phift runs in."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
