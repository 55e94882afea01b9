"""Which members a request body may have: the front end's parser refuses all others.

The names are those of the public REST specifications from 2022 to 2025; which of them a version lacks is in
`apiversions`. That the parser is strict is recorded for jobs (2026-03: an output's assetVersion at 2025-01-01-preview);
for the other resources it follows from there being one parser (assumed: unknown_members_are_refused).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from phift.emulator.core.apiversions import shown

__all__ = ["TYPES", "Unknown", "unknown_members"]

_RESOURCE = "id name type systemData"
_TRACKED = f"{_RESOURCE} location:text tags:object kind sku:Sku identity:Identity"
_BAGS = "tags:object properties:object"
_JOB = (
    f"description {_BAGS} componentId:text computeId:text displayName:text experimentName:text identity:JobIdentity "
    "isArchived jobType:text notificationSetting services:{JobService} status inputs:{JobInput} outputs:{JobOutput} "
    "parentJobName secretsConfiguration"
)
_ASSET = (
    f"description:text {_BAGS} isAnonymous isArchived autoDeleteSetting provisioningState stage:text "
    "intellectualProperty"
)
_CONTAINER = f"description:text {_BAGS} isArchived latestVersion nextVersion provisioningState"

_SPECIFIED: Mapping[str, str] = {
    "PipelineJobResource": f"{_RESOURCE} properties:PipelineJob",
    "CommandJobResource": f"{_RESOURCE} properties:CommandJob",
    "SweepJobResource": f"{_RESOURCE} properties:SweepJob",
    "SweepJob": (
        f"{_JOB} searchSpace:object samplingAlgorithm:SamplingAlgorithm limits:SweepLimits objective:Objective "
        "earlyTermination:EarlyTermination trial:TrialComponent queueSettings:QueueSettings "
        "resources:JobResourceConfiguration componentConfiguration"
    ),
    "SamplingAlgorithm": "samplingAlgorithmType:text seed rule:text logbase",
    "SweepLimits": "jobLimitsType timeout maxConcurrentTrials maxTotalTrials trialTimeout",
    "Objective": "goal:text primaryMetric:text",
    "EarlyTermination": (
        "policyType:text delayEvaluation evaluationInterval slackAmount slackFactor truncationPercentage"
    ),
    "TrialComponent": (
        "codeId:text command:text distribution:Distribution environmentId:text environmentVariables:object "
        "resources:JobResourceConfiguration"
    ),
    "PipelineJob": f"{_JOB} jobs:{{PipelineNode}} settings:object sourceJobId",
    "CommandJob": (
        f"{_JOB} codeId:text command:text distribution:Distribution environmentId:text environmentVariables:object "
        "limits:JobLimits parameters queueSettings:QueueSettings resources:JobResourceConfiguration "
        "autologgerSettings componentConfiguration"
    ),
    "PipelineNode": "componentId:text inputs:object outputs:object",
    "JobInput": "description jobInputType:text mode:text uri:text value pathOnCompute",
    "JobOutput": (
        "description jobOutputType:text assetName:text assetVersion mode:text uri:text pathOnCompute autoDeleteSetting"
    ),
    "JobService": "endpoint errorMessage jobServiceType nodes port properties status",
    "JobIdentity": "identityType clientId objectId resourceId",
    "JobLimits": "jobLimitsType timeout",
    "JobResourceConfiguration": (
        "instanceCount instanceType properties dockerArgs dockerArgsList shmSize locations maxInstanceCount"
    ),
    "QueueSettings": "jobTier priority",
    "Distribution": (
        "distributionType processCountPerInstance parameterServerCount workerCount address dashboardPort "
        "headNodeAdditionalArgs includeDashboard port workerNodeAdditionalArgs"
    ),
    "DataVersion": f"{_RESOURCE} properties:DataVersionProperties",
    "DataVersionProperties": f"{_ASSET} dataType:text dataUri:text referencedUris",
    "ModelVersion": f"{_RESOURCE} properties:ModelVersionProperties",
    "ModelVersionProperties": (
        f"{_ASSET} flavors:{{FlavorData}} jobName:text modelType:text modelUri:text datasets systemMetadata "
        "system_metadata allowedDeploymentTemplates "
        "defaultDeploymentTemplate"
    ),
    "FlavorData": "data",
    "EnvironmentVersion": f"{_RESOURCE} properties:EnvironmentVersionProperties",
    "EnvironmentVersionProperties": (
        f"{_ASSET} autoRebuild:text build:BuildContext condaFile:text environmentType image:text "
        "inferenceConfig:InferenceConfig osType:text"
    ),
    "BuildContext": "contextUri dockerfilePath",
    "InferenceConfig": "livenessRoute:Route readinessRoute:Route scoringRoute:Route startupRoute:Route",
    "Route": "path port",
    "CodeVersion": f"{_RESOURCE} properties:CodeVersionProperties",
    "CodeVersionProperties": f"{_ASSET} codeUri:text",
    "ComponentVersion": f"{_RESOURCE} properties:ComponentVersionProperties",
    "ComponentVersionProperties": f"{_ASSET} componentSpec:ComponentSpec",
    "ComponentSpec": "name:text type:text inputs:{ComponentInput} outputs:object resources:object tags:object",
    "ComponentInput": "type",
    "Container": f"{_RESOURCE} properties:ContainerProperties",
    "ContainerProperties": f"{_CONTAINER} dataType",
    "Datastore": f"{_RESOURCE} properties:DatastoreProperties",
    "DatastoreProperties": (
        f"description {_BAGS} credentials:DatastoreCredentials datastoreType:text isDefault resourceGroup:text "
        "subscriptionId:text accountName:text containerName:text fileShareName:text filesystem endpoint protocol "
        "serviceDataAccessAuthIdentity storeName artifact oneLakeWorkspaceName hdfsServerCertificate nameNodeAddress "
        "intellectualProperty"
    ),
    "DatastoreCredentials": "credentialsType:text secrets:object",
    "OnlineEndpoint": f"{_TRACKED} properties:OnlineEndpointProperties",
    "OnlineEndpointProperties": (
        "authMode:text description keys properties:object scoringUri swaggerUri compute mirrorTraffic:object "
        "provisioningState publicNetworkAccess:text traffic:object"
    ),
    "OnlineDeployment": f"{_TRACKED} properties:OnlineDeploymentProperties",
    "OnlineDeploymentProperties": (
        "codeConfiguration:CodeConfiguration description environmentId:text environmentVariables:object "
        "properties:object appInsightsEnabled dataCollector:DataCollector egressPublicNetworkAccess:text "
        "endpointComputeType:text instanceType:text livenessProbe:ProbeSettings readinessProbe:ProbeSettings "
        "startupProbe:ProbeSettings model:text modelMountPath:text provisioningState requestSettings:RequestSettings "
        "scaleSettings:ScaleSettings privateNetworkConnection containerResourceRequirements"
    ),
    "CodeConfiguration": "codeId:text scoringScript:text",
    "ProbeSettings": "failureThreshold initialDelay:text period:text successThreshold timeout:text",
    "RequestSettings": "maxConcurrentRequestsPerInstance maxQueueWait:text requestTimeout:text",
    "ScaleSettings": "scaleType maxInstances minInstances pollingInterval targetUtilizationPercentage",
    "DataCollector": "collections:{DataCollection} requestLogging:RequestLogging rollingRate",
    "DataCollection": "clientId dataCollectionMode dataId samplingRate",
    "RequestLogging": "captureHeaders",
    "Sku": "name tier size family capacity",
    "Identity": "type principalId tenantId userAssignedIdentities",
    "RegenerateKeysRequest": "keyType:text keyValue:text",
    "LogsRequest": "containerType:text tail",
    "SecretsRequest": "expirableSecret expireAfterHours",
    "PendingUploadRequest": "pendingUploadId pendingUploadType",
    "Compute": f"{_TRACKED} properties:ComputeProperties",
    "ComputeProperties": "computeType:text description properties:AmlCompute scaleSettings:ComputeScale",
    "AmlCompute": (
        "vmSize:text vmPriority:text osType:text scaleSettings:ComputeScale userAccountCredentials:object subnet"
    ),
    "ComputeScale": "minNodeCount maxNodeCount nodeIdleTimeBeforeScaleDown",
    "Workspace": f"{_TRACKED} properties:WorkspaceProperties",
    "WorkspaceProperties": (
        "friendlyName:text description:text storageAccount:text keyVault:text applicationInsights:text "
        "containerRegistry:text systemDatastoresAuthMode:text managedNetwork:object publicNetworkAccess:text"
    ),
    "Registry": f"{_TRACKED} properties:RegistryProperties",
    "RegistryProperties": "regionDetails:[object] publicNetworkAccess:text",
    "TemporaryDataReference": "assetId:text temporaryDataReferenceType:text",
    "DataReference": "assetId:text blobUri:text",
    "ResourceManagementAssetReference": "properties:AssetReference",
    "AssetReference": "sourceAssetId:text destinationName:text destinationVersion:text referenceType:text",
    "ResourceGroup": "location:text tags:object",
    "ArmDeployment": "properties:ArmDeploymentProperties",
    "ArmDeploymentProperties": "template:ArmTemplate parameters:object mode:text",
    "ArmTemplate": "resources:[object]",
    "AutoscaleSetting": f"{_RESOURCE} location:text tags:object properties:AutoscaleProperties",
    "AutoscaleProperties": (
        "enabled name:text targetResourceUri:text targetResourceLocation:text profiles:[AutoscaleProfile] "
        "notifications predictiveAutoscalePolicy"
    ),
    "AutoscaleProfile": (
        "name:text capacity:AutoscaleCapacity rules:[AutoscaleRule] fixedDate:AutoscaleWindow "
        "recurrence:AutoscaleRecurrence"
    ),
    "AutoscaleCapacity": "minimum:text maximum:text default:text",
    "AutoscaleWindow": "timeZone:text start:text end:text",
    "AutoscaleRecurrence": "frequency:text schedule:AutoscaleSchedule",
    "AutoscaleSchedule": "timeZone:text days:[text] hours minutes",
    "AutoscaleRule": "metricTrigger:MetricTrigger scaleAction:ScaleAction",
    "MetricTrigger": (
        "metricName:text metricNamespace:text metricResourceUri:text metricResourceLocation:text timeGrain:text "
        "statistic:text timeWindow:text timeAggregation:text operator:text threshold dimensions:[object] "
        "dividePerInstance"
    ),
    "ScaleAction": "direction:text type:text value:text cooldown:text",
    "ScheduleResource": f"{_RESOURCE} properties:ScheduleProperties",
    "ScheduleProperties": (
        f"description:text {_BAGS} displayName:text isEnabled provisioningState action:ScheduleAction trigger:Trigger"
    ),
    "ScheduleAction": "actionType:text jobDefinition:object",
    "Trigger": (
        "triggerType:text startTime:text endTime:text timeZone:text expression:text frequency:text interval "
        "schedule:RecurrencePattern"
    ),
    "RecurrencePattern": "hours minutes weekDays:[text] monthDays",
    "TriggerOnceRequest": "scheduleTime:text",
    "RunUpdate": f"displayName:text description {_BAGS}",
    "RunDataRequest": "runId:text",
    "ResolveRequest": "values:[text]",
    "Artifact": "origin:text container:text path:text tags:{text} dataPath:ArtifactDataPath",
    "ArtifactDataPath": "dataStoreName:text relativePath:text",
    "ArtifactPathList": "paths:[ArtifactPath]",
    "ArtifactPath": "path:text tags:{text}",
    "ArtifactIdList": "artifactIds:[text]",
    "MlflowRequest": (
        "metrics:[MlflowItem] params:[MlflowItem] tags:[MlflowItem] experiment_ids:[scalar] order_by:[scalar] "
        "run_ids:[scalar] artifact_location:scalar end_time:scalar experiment_id:scalar experiment_name:scalar "
        "filter:scalar key:scalar lifecycle_stage:scalar max_results:scalar metric_key:scalar name:scalar "
        "new_name:scalar page_token:scalar path:scalar run_id:scalar run_name:scalar run_uuid:scalar "
        "run_view_type:scalar start_time:scalar status:scalar step:scalar timestamp:scalar user_id:scalar "
        "value:scalar view_type:scalar description:scalar source:scalar stage:scalar stages:[scalar] version:scalar "
        "archive_existing_versions:scalar run_link:scalar"
    ),
    "MlflowItem": "key:scalar value:scalar timestamp:scalar step:scalar",
}
"""Members of each type and the kind of their values: text, object, scalar, a type, {kind} a map of it, [kind] an array
of it; nothing where every value will do."""
_OPEN = frozenset(
    (
        *("PipelineNode", "ComponentSpec", "ComponentInput", "DatastoreCredentials"),
        *(
            "ScheduleAction",
            "Compute",
            "ComputeProperties",
            "AmlCompute",
            "ComputeScale",
            "RunUpdate",
            "RunDataRequest",
            "ResolveRequest",
            "Workspace",
            "WorkspaceProperties",
            "Registry",
            "RegistryProperties",
            "TemporaryDataReference",
            "DataReference",
            "ResourceManagementAssetReference",
            "AssetReference",
            "ResourceGroup",
            "ArmDeployment",
            "ArmDeploymentProperties",
            "ArmTemplate",
        ),
        *("Artifact", "ArtifactDataPath", "ArtifactPathList", "ArtifactPath", "ArtifactIdList"),
        *("MlflowRequest", "MlflowItem"),
        *("AutoscaleSetting", "AutoscaleProperties", "AutoscaleProfile", "AutoscaleCapacity", "AutoscaleWindow"),
        *("AutoscaleRecurrence", "AutoscaleSchedule", "AutoscaleRule", "MetricTrigger", "ScaleAction"),
    )
)
"""Types that accept more members: of these, only the members that are read here are listed."""
_KINDS: Mapping[str, str] = {
    "PipelineJob": "job",
    "CommandJob": "job",
    "SweepJob": "job",
    "SamplingAlgorithm": "sampling",
    "JobInput": "job input",
    "JobOutput": "job output",
    "JobService": "job service",
    "JobResourceConfiguration": "job resources",
    "QueueSettings": "job queue",
    "OnlineEndpointProperties": "onlineEndpoint",
    "OnlineDeploymentProperties": "onlineDeployment",
}
"""What apiversions calls them. Of assets a version shows fewer members than it takes: clients send isArchived, stage
and autoDeleteSetting to all (recorded 2022-09)."""


_DISCRIMINATED = (
    *("PipelineJob", "CommandJob", "SweepJob", "JobInput", "JobOutput", "JobIdentity", "JobLimits", "Distribution"),
    *("SweepLimits", "SamplingAlgorithm", "EarlyTermination"),
)
"""Types that the parser reads by themselves, as one of their members says which they are: paths start again there."""
_VARIANTS = {
    "uri_file": "UriFile",
    "uri_folder": "UriFolder",
    "mltable": "MLTable",
    "custom_model": "CustomModel",
    "mlflow_model": "MLFlowModel",
    "triton_model": "TritonModel",
    "literal": "Literal",
}


@dataclass(frozen=True)
class Unknown:
    """A member that its type has not. keys: from the body down, the member last. path: the same as the parser tells
    it. position: where the member's name and colon end in the body without blanks (recorded 2026-03)."""

    type: str
    keys: tuple[str, ...]
    path: str
    position: int

    @property
    def text(self) -> str:
        """What the service says of it."""
        return (
            f"Could not find member '{self.keys[-1]}' on object of type '{self.type}'. Path '{self.path}', line 1, "
            f"position {self.position}."
        )


def _read(text: str) -> Mapping[str, str]:
    pairs = (part.partition(":") for part in text.split())
    return MappingProxyType({name.casefold(): kind for name, _, kind in pairs})


TYPES: Mapping[str, Mapping[str, str]] = MappingProxyType({name: _read(text) for name, text in _SPECIFIED.items()})
"""Members of each type, lower-cased as the parser compares them, with the kind of their values."""


def unknown_members(body: Any, kind: str, api_version: str) -> list[Unknown]:
    """The members that their types do not have, in the order they were sent."""
    return [
        Unknown(variant, keys, ".".join(keys[origin:]), _position(body, keys))
        for variant, keys, origin in _unknown(body, kind, api_version, (), 0)
    ]


def _unknown(
    body: Any, kind: str, api_version: str, keys: tuple[str, ...], origin: int
) -> Iterator[tuple[str, tuple[str, ...], int]]:
    if not isinstance(body, dict) or kind not in TYPES or kind in _OPEN:
        return
    known: Mapping[str, str] = TYPES[kind]
    if kind in _KINDS:
        hidden = {name.casefold() for name in _hidden(kind, api_version)}
        known = {name: value for name, value in known.items() if name not in hidden}
    if kind in _DISCRIMINATED:
        origin = len(keys)
    for name, value in body.items():
        below = known.get(name.casefold())
        if below is None:
            yield _variant(body, kind), (*keys, name), origin
        elif below.startswith("{") and isinstance(value, dict):
            for key, each in value.items():
                yield from _unknown(each, below[1:-1], api_version, (*keys, name, key), origin)
        else:
            yield from _unknown(value, below, api_version, (*keys, name), origin)


def _variant(body: Mapping[str, Any], kind: str) -> str:
    """The type's own name: inputs and outputs of jobs have one for each of their kinds."""
    own = body.get("jobInputType" if kind == "JobInput" else "jobOutputType") if kind in _DISCRIMINATED else None
    return f"{_VARIANTS.get(str(own), '')}{kind}"


def _position(body: Any, keys: tuple[str, ...]) -> int:
    at = 0
    for key in keys:
        at += 1
        for name, value in body.items():
            at += len(_compact(name)) + 1
            if name == key:
                break
            at += len(_compact(value)) + 1
        body = body[key]
    return at


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _hidden(kind: str, api_version: str) -> list[str]:
    names = [part.partition(":")[0] for part in _SPECIFIED[kind].split()]
    left = shown(_KINDS[kind], dict.fromkeys(names), api_version)
    return [name for name in names if name not in left]
