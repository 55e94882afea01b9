"""Unknown members of request bodies are refused, and nothing that azure-ai-ml can send is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from phift.emulator.core.members import TYPES, unknown_members
from tests.emulator.client import Azure

JOBS = "2024-01-01-preview"
COMMANDS = "2025-01-01-preview"
_OF_THE_SDK = {
    "PipelineJob": "PipelineJob",
    "CommandJob": "CommandJob",
    "SweepJob": "SweepJob",
    "SamplingAlgorithm": "GridSamplingAlgorithm RandomSamplingAlgorithm BayesianSamplingAlgorithm",
    "SweepLimits": "SweepJobLimits",
    "Objective": "Objective",
    "EarlyTermination": "BanditPolicy MedianStoppingPolicy TruncationSelectionPolicy",
    "TrialComponent": "TrialComponent",
    "JobInput": "UriFileJobInput LiteralJobInput MLTableJobInput",
    "JobOutput": "UriFolderJobOutput MLFlowModelJobOutput",
    "JobService": "JobService",
    "JobIdentity": "AmlToken ManagedIdentity UserIdentity",
    "JobLimits": "CommandJobLimits",
    "JobResourceConfiguration": "JobResourceConfiguration",
    "QueueSettings": "QueueSettings",
    "Distribution": "Mpi PyTorch TensorFlow",
    "DataVersionProperties": "UriFileDataVersion UriFolderDataVersion MLTableData",
    "ModelVersionProperties": "ModelVersionProperties",
    "FlavorData": "FlavorData",
    "EnvironmentVersionProperties": "EnvironmentVersionProperties",
    "BuildContext": "BuildContext",
    "InferenceConfig": "InferenceContainerProperties",
    "Route": "Route",
    "CodeVersionProperties": "CodeVersionProperties",
    "ComponentVersionProperties": "ComponentVersionProperties",
    "ContainerProperties": "DataContainerProperties ModelContainerProperties",
    "DatastoreProperties": "AzureBlobDatastore AzureFileDatastore AzureDataLakeGen2Datastore OneLakeDatastore",
    "OnlineEndpoint": "OnlineEndpoint",
    "OnlineEndpointProperties": "OnlineEndpointProperties",
    "OnlineDeployment": "OnlineDeployment",
    "OnlineDeploymentProperties": "ManagedOnlineDeployment",
    "CodeConfiguration": "CodeConfiguration",
    "ProbeSettings": "ProbeSettings",
    "RequestSettings": "OnlineRequestSettings",
    "ScaleSettings": "DefaultScaleSettings TargetUtilizationScaleSettings",
    "DataCollector": "DataCollector",
    "DataCollection": "Collection",
    "RequestLogging": "RequestLogging",
    "Sku": "Sku",
    "Identity": "ManagedServiceIdentity",
    "RegenerateKeysRequest": "RegenerateEndpointKeysRequest",
    "LogsRequest": "DeploymentLogsRequest",
    "PendingUploadRequest": "PendingUploadRequestDto",
    "ScheduleProperties": "ScheduleProperties",
    "Trigger": "RecurrenceTrigger CronTrigger",
    "RecurrencePattern": "RecurrenceSchedule",
}


def _members(name: str) -> set[str]:
    """What a model of the SDK can have on the wire."""
    from azure.ai.ml._restclient.arm_ml_service import models

    fields = (pair for base in getattr(models, name).__mro__ for pair in vars(base).items())
    return {f._rest_name_input or key for key, f in fields if type(f).__name__ == "_RestField"}


@pytest.mark.parametrize("kind", _OF_THE_SDK)
def test_every_member_of_the_sdks_models_is_known(kind: str) -> None:
    for name in _OF_THE_SDK[kind].split():
        left = {member for member in _members(name) if member.casefold() not in TYPES[kind]}
        assert not left, name


@pytest.mark.parametrize(
    ("body", "kind", "api", "found"),
    [
        ({"properties": {"jobType": "Pipeline", "Jobs": {"a": {"anything": 1}}}}, "PipelineJobResource", JOBS, None),
        ({"properties": {"command": "x"}}, "PipelineJobResource", JOBS, "PipelineJob command 25"),
        ({"properties": [], "kind": "x"}, "PipelineJobResource", JOBS, "PipelineJobResource kind 24"),
        (
            {"properties": {"outputs": {"o": {"assetName": "n", "assetVersion": "1"}}}},
            "CommandJobResource",
            COMMANDS,
            "JobOutput assetVersion 62",
        ),
        ({"properties": {"outputs": {"o": {"assetVersion": "1"}}}}, "CommandJobResource", JOBS, None),
        (
            {"properties": {"livenessProbe": {"delay": "PT1S"}}},
            "OnlineDeployment",
            "2023-04-01-preview",
            "ProbeSettings properties.livenessProbe.delay 40",
        ),
        ({"properties": {"livenessProbe": "odd"}}, "OnlineDeployment", "2023-04-01-preview", None),
        ({"properties": {"isArchived": True, "stage": "Archived"}}, "DataVersion", "2022-05-01", None),
    ],
)
def test_a_member_that_is_unknown(body: Any, kind: str, api: str, found: str | None) -> None:
    told = [f"{each.type} {each.path} {each.position}" for each in unknown_members(body, kind, api)]
    assert told == ([found] if found else [])


@pytest.mark.parametrize(
    ("path", "api", "body", "member"),
    [
        ("jobs/strict", COMMANDS, {"jobType": "Command", "outputs": {"o": {"assetVersion": "1"}}}, "assetVersion"),
        ("data/strict/versions/1", "2023-04-01-preview", {"dataType": "uri_file", "uri": "x"}, "uri"),
        ("models/strict/versions/1", "2023-08-01-preview", {"flavors": {"f": {"nothing": {}}}}, "nothing"),
        ("environments/strict/versions/1", "2023-04-01-preview", {"docker": {}}, "docker"),
        ("components/strict/versions/1", "2024-01-01-preview", {"spec": {}}, "spec"),
        ("codes/strict/versions/1", "2023-04-01", {"uri": "x"}, "uri"),
        ("data/strict", "2023-04-01-preview", {"archived": True}, "archived"),
        ("datastores/strict", "2024-07-01-preview", {"account": "x"}, "account"),
        ("onlineEndpoints/strict", "2022-02-01-preview", {"auth": "Key"}, "auth"),
        ("onlineEndpoints/e/deployments/strict", "2023-04-01-preview", {"vmSize": "x"}, "vmSize"),
    ],
)
def test_each_resource_of_the_front_end_refuses_what_it_does_not_know(
    azure: Azure, path: str, api: str, body: dict[str, Any], member: str
) -> None:
    answer = azure.call("PUT", path, {"properties": body}, api=api)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "UserError")
    [told] = error["details"]
    assert told["code"] == "RequestInvalid"
    assert told["message"].startswith(f"Could not find member '{member}' ")


def test_members_are_ignored_where_that_is_assumed_but_never_of_jobs(azure: Azure) -> None:
    azure.admin("PUT", "/assumed", {"unknown_members_are_refused": False})
    try:
        uri = "azureml://datastores/workspaceblobstore/paths/x"
        body = {"properties": {"dataType": "uri_file", "dataUri": uri, "colour": "blue"}}
        made = azure.call("PUT", "data/lenient/versions/1", body)
        assert (made.status_code, "colour" in made.text) == (201, False)
        job = {"properties": {"jobType": "Pipeline", "colour": "blue", "jobs": {}}}
        assert (
            azure.call("PUT", "jobs/lenient", job, api=JOBS).json()["error"]["details"][0]["code"] == "RequestInvalid"
        )
    finally:
        azure.admin("PUT", "/assumed", {"unknown_members_are_refused": True})


def test_clusters_ignore_what_they_do_not_know(azure: Azure) -> None:
    properties = {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_D12_v2", "colour": "blue"}}
    made = azure.call("PUT", "computes/lenient", {"location": "eastus", "properties": properties, "colour": "blue"})
    assert (made.status_code, "blue" in made.text) == (201, False)
