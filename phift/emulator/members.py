"""Which members a request body may have: the front end's parser refuses all others.

The names are those of the public REST specifications from 2022 to 2025; which of them a version lacks is told by
`apiversions`. That the parser is strict is recorded for jobs (2026-03: an output's assetVersion at 2025-01-01-preview);
for the other resources it follows from there being one parser (assumed: unknown_members_are_refused).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from phift.emulator.apiversions import shown

__all__ = ["TYPES", "Unknown", "unknown_members"]

_RESOURCE = "id name type systemData"
_TRACKED = f"{_RESOURCE} location tags kind sku:Sku identity:Identity"
_JOB = (
    "description tags properties componentId computeId displayName experimentName identity:JobIdentity isArchived "
    "jobType notificationSetting services:{JobService} status inputs:{JobInput} outputs:{JobOutput} parentJobName "
    "secretsConfiguration"
)
_ASSET = (
    "description tags properties isAnonymous isArchived autoDeleteSetting provisioningState stage intellectualProperty"
)
_CONTAINER = "description tags properties isArchived latestVersion nextVersion provisioningState"

_SPECIFIED: Mapping[str, str] = {
    "PipelineJobResource": f"{_RESOURCE} properties:PipelineJob",
    "CommandJobResource": f"{_RESOURCE} properties:CommandJob",
    "PipelineJob": f"{_JOB} jobs settings sourceJobId",
    "CommandJob": (
        f"{_JOB} codeId command distribution:Distribution environmentId environmentVariables limits:JobLimits "
        "parameters queueSettings:QueueSettings resources:JobResourceConfiguration autologgerSettings "
        "componentConfiguration"
    ),
    "JobInput": "description jobInputType mode uri value pathOnCompute",
    "JobOutput": "description jobOutputType assetName assetVersion mode uri pathOnCompute autoDeleteSetting",
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
    "DataVersionProperties": f"{_ASSET} dataType dataUri referencedUris",
    "ModelVersion": f"{_RESOURCE} properties:ModelVersionProperties",
    "ModelVersionProperties": (
        f"{_ASSET} flavors:{{FlavorData}} jobName modelType modelUri datasets systemMetadata defaultDeploymentTemplate"
    ),
    "FlavorData": "data",
    "EnvironmentVersion": f"{_RESOURCE} properties:EnvironmentVersionProperties",
    "EnvironmentVersionProperties": (
        f"{_ASSET} autoRebuild build:BuildContext condaFile environmentType image "
        "inferenceConfig:InferenceConfig osType"
    ),
    "BuildContext": "contextUri dockerfilePath",
    "InferenceConfig": "livenessRoute:Route readinessRoute:Route scoringRoute:Route startupRoute:Route",
    "Route": "path port",
    "CodeVersion": f"{_RESOURCE} properties:CodeVersionProperties",
    "CodeVersionProperties": f"{_ASSET} codeUri",
    "ComponentVersion": f"{_RESOURCE} properties:ComponentVersionProperties",
    "ComponentVersionProperties": f"{_ASSET} componentSpec",
    "Container": f"{_RESOURCE} properties:ContainerProperties",
    "ContainerProperties": f"{_CONTAINER} dataType",
    "Datastore": f"{_RESOURCE} properties:DatastoreProperties",
    "DatastoreProperties": (
        "description tags properties credentials datastoreType isDefault resourceGroup subscriptionId accountName "
        "containerName fileShareName filesystem endpoint protocol serviceDataAccessAuthIdentity storeName artifact "
        "oneLakeWorkspaceName hdfsServerCertificate nameNodeAddress intellectualProperty"
    ),
    "OnlineEndpoint": f"{_TRACKED} properties:OnlineEndpointProperties",
    "OnlineEndpointProperties": (
        "authMode description keys properties scoringUri swaggerUri compute mirrorTraffic provisioningState "
        "publicNetworkAccess traffic"
    ),
    "OnlineDeployment": f"{_TRACKED} properties:OnlineDeploymentProperties",
    "OnlineDeploymentProperties": (
        "codeConfiguration:CodeConfiguration description environmentId environmentVariables properties "
        "appInsightsEnabled dataCollector:DataCollector egressPublicNetworkAccess endpointComputeType instanceType "
        "livenessProbe:ProbeSettings readinessProbe:ProbeSettings startupProbe:ProbeSettings model modelMountPath "
        "provisioningState requestSettings:RequestSettings scaleSettings:ScaleSettings privateNetworkConnection "
        "containerResourceRequirements"
    ),
    "CodeConfiguration": "codeId scoringScript",
    "ProbeSettings": "failureThreshold initialDelay period successThreshold timeout",
    "RequestSettings": "maxConcurrentRequestsPerInstance maxQueueWait requestTimeout",
    "ScaleSettings": "scaleType maxInstances minInstances pollingInterval targetUtilizationPercentage",
    "DataCollector": "collections:{DataCollection} requestLogging:RequestLogging rollingRate",
    "DataCollection": "clientId dataCollectionMode dataId samplingRate",
    "RequestLogging": "captureHeaders",
    "Sku": "name tier size family capacity",
    "Identity": "type principalId tenantId userAssignedIdentities",
    "RegenerateKeysRequest": "keyType keyValue",
    "LogsRequest": "containerType tail",
    "SecretsRequest": "expirableSecret expireAfterHours",
    "PendingUploadRequest": "pendingUploadId pendingUploadType",
}
_KINDS: Mapping[str, str] = {
    "PipelineJob": "job",
    "CommandJob": "job",
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


_DISCRIMINATED = ("PipelineJob", "CommandJob", "JobInput", "JobOutput", "JobIdentity", "JobLimits", "Distribution")
"""Types that the parser reads by themselves, as one of their members says which they are: paths begin there anew."""
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
"""Members of each type, lower-cased as the parser compares them, with the type of their values: "" for any, {T} for a
map of T."""


def unknown_members(body: Any, kind: str, api_version: str) -> list[Unknown]:
    """The members that their types do not have, in the order they were sent."""
    return [
        Unknown(variant, keys, ".".join(keys[origin:]), _position(body, keys))
        for variant, keys, origin in _unknown(body, kind, api_version, (), 0)
    ]


def _unknown(
    body: Any, kind: str, api_version: str, keys: tuple[str, ...], origin: int
) -> Iterator[tuple[str, tuple[str, ...], int]]:
    if not isinstance(body, dict):
        return  # of the wrong kind: for the one to say who reads it
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
        elif below and not below.startswith("{"):
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
