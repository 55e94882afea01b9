"""Good bodies for the routes of the emulator, by the end of a route's path, and the names of headers and query
parameters that it reads: what fuzz.py spoils."""

from __future__ import annotations

from typing import Any

__all__ = ["ASSET", "HEADERS", "MLFLOW", "QUERIES", "STORE", "TEMPLATES", "TOKEN", "XML"]

HEADERS = (
    *("Content-Type", "Metadata", "x-ms-version", "x-ms-blob-type", "x-ms-range", "Range", "x-ms-lease-action"),
    *("x-ms-lease-id", "x-ms-lease-duration", "x-ms-lease-break-period", "x-ms-proposed-lease-id", "x-ms-meta-a"),
    *(
        "x-ms-meta-ä",
        "x-ms-date",
        "Date",
        "If-Match",
        "If-Modified-Since",
        "x-ms-blob-condition-appendpos",
        "Content-MD5",
    ),
    *(
        "x-ms-blob-content-type",
        "x-ms-copy-source",
        "x-ms-client-request-id",
        "azureml-model-deployment",
        "Expect-Nothing",
    ),
    *("x-ms-range-get-content-md5", "x-ms-blob-content-disposition", "x-ms-if-tags", "x-ms-blob-condition-maxsize"),
)
QUERIES = (
    *(
        "$top",
        "top",
        "count",
        "$skip",
        "$skipToken",
        "$filter",
        "currencyCode",
        "listViewType",
        "tags",
        "tag",
        "properties",
        "orderBy",
        "hash",
        "name",
    ),
    *(
        "names",
        "isDefault",
        "version",
        "stage",
        "jobType",
        "computeType",
        "resource",
        "restype",
        "comp",
        "prefix",
        "marker",
    ),
    *(
        "maxresults",
        "include",
        "delimiter",
        "blockid",
        "blocklisttype",
        "snapshot",
        "sv",
        "sig",
        "se",
        "st",
        "sp",
        "sr",
    ),
    *("srt", "ss", "sip", "rscd", "rsct", "timeout", "underlyingResourceAction"),
    *("metricnames", "timespan", "interval", "aggregation", "$filter", "resultType", "metricnamespace"),
)
REGISTRY = "azureml://registries/azureml"
NETWORKS = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Network/virtualNetworks"
STORE = "azureml://datastores/workspaceblobstore/paths"
_TRAINING = {
    "jobType": "Pipeline",
    "displayName": "a job",
    "experimentName": "tests",
    "description": "of a test",
    "tags": {"a": "b"},
    "properties": {"mine": "1"},
    "isArchived": False,
    "computeId": "",
    "inputs": {
        "data": {"jobInputType": "uri_file", "uri": f"{STORE}/x"},
        "n": {"jobInputType": "literal", "value": "1"},
    },
    "outputs": {"trained_model": {"mode": "ReadWriteMount", "jobOutputType": "mlflow_model", "uri": f"{STORE}/out"}},
    "settings": {"force_rerun": True, "continue_on_step_failure": False},
    "identity": {"identityType": "AMLToken"},
    "jobs": {
        "trainer": {
            "name": "trainer",
            "type": "pipeline",
            "componentId": f"{REGISTRY}/components/chat_completion_pipeline/versions/0.0.82",
            "inputs": {
                "mlflow_model_path": {
                    "uri": f"{REGISTRY}/models/Phi-3-mini-4k-instruct/labels/latest",
                    "job_input_type": "mlflow_model",
                },
                "train_file_path": {"value": "${{parent.inputs.data}}", "job_input_type": "literal"},
                "instance_type_finetune": {"value": "Standard_NC24ads_A100_v4", "job_input_type": "literal"},
                "learning_rate": {"value": "0.001", "job_input_type": "literal"},
            },
            "outputs": {"mlflow_model_folder": {"value": "${{parent.outputs.trained_model}}", "type": "literal"}},
        }
    },
}
_COMMAND = {
    "jobType": "Command",
    "command": "true",
    "environmentId": "azureml:AzureML-sklearn-1.5:1",
    "environmentVariables": {"A": "b"},
    "limits": {"jobLimitsType": "Command", "timeout": "PT1H"},
    "resources": {"instanceCount": 1, "instanceType": "Standard_F4s_v2", "properties": {}},
    "distribution": {"distributionType": "Mpi", "processCountPerInstance": 1},
    "queueSettings": {"jobTier": "Standard"},
    "services": {"s": {"jobServiceType": "ssh", "port": 1, "properties": {}}},
}
ASSET = {"description": "d", "tags": {"a": "b"}, "properties": {"p": "q"}, "isArchived": False, "isAnonymous": False}
_PROBE = {"failureThreshold": 3, "initialDelay": "PT1S", "period": "PT1S", "successThreshold": 1, "timeout": "PT1S"}
TEMPLATES: dict[str, list[Any]] = {
    "/jobs/{name}": [{"properties": _TRAINING}, {"properties": _COMMAND}],
    "/computes/{name}": [
        {
            "location": "eastus",
            "tags": {"a": "b"},
            "identity": {"type": "SystemAssigned", "userAssignedIdentities": {}},
            "properties": {
                "computeType": "AmlCompute",
                "description": "d",
                "disableLocalAuth": True,
                "properties": {
                    "vmSize": "Standard_F4s_v2",
                    "vmPriority": "Dedicated",
                    "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT2M"},
                    "userAccountCredentials": {"adminUserName": "a", "adminUserPassword": "b"},
                    "subnet": {"id": f"{NETWORKS}/v/subnets/s"},
                    "remoteLoginPortPublicAccess": "Enabled",
                },
            },
        }
    ],
    **{
        f"/{kind}/{{name}}": [
            {"properties": {"description": "d", "tags": {"a": "b"}, "properties": {}, "isArchived": True}}
        ]
        for kind in ("data", "models", "environments", "components", "codes")
    },
    "/data/{name}/versions/{version}": [{"properties": {**ASSET, "dataType": "uri_file", "dataUri": f"{STORE}/x"}}],
    "/models/{name}/versions/{version}": [
        {
            "properties": {
                **ASSET,
                "modelType": "mlflow_model",
                "modelUri": f"{STORE}/broken",
                "flavors": {"a": {"data": {"b": "c"}}},
                "stage": "Production",
            }
        },
        {"properties": {"modelType": "mlflow_model", "modelUri": f"{STORE}/broken"}},
    ],
    "/environments/{name}/versions/{version}": [
        {
            "properties": {
                **ASSET,
                "image": "i",
                "condaFile": "a: [1, 2001-01-01]\n",
                "build": {"contextUri": "x", "dockerfilePath": "y"},
                "inferenceConfig": {"livenessRoute": {"path": "/", "port": 1}},
            }
        },
        {"properties": {"image": "i", "condaFile": "a: &x {b: *x}\n? [1]\n: 2\n"}},
    ],
    "/components/{name}/versions/{version}": [
        {
            "properties": {
                **ASSET,
                "componentSpec": {
                    "name": "c",
                    "version": "1",
                    "type": "command",
                    "inputs": {"a": {"type": "string", "optional": True}},
                    "outputs": {"b": {"type": "uri_file"}},
                    "resources": {"instance_count": 1},
                    "environment": "azureml:AzureML-sklearn-1.5:1",
                    "command": "true",
                    "tags": {},
                },
            }
        }
    ],
    "/codes/{name}/versions/{version}": [{"properties": {**ASSET, "codeUri": "https://x"}}],
    "/codes/{name}/versions/{version}/startPendingUpload": [{"pendingUploadId": "x", "pendingUploadType": "y"}],
    "/datastores/{name}": [
        {
            "properties": {
                "description": "d",
                "tags": {"a": "b"},
                "properties": {"p": "q"},
                "datastoreType": "AzureBlob",
                "accountName": "a",
                "containerName": "c",
                "endpoint": "core.windows.net",
                "protocol": "https",
                "credentials": {"credentialsType": "AccountKey", "secrets": {"secretsType": "AccountKey", "key": "k"}},
            }
        }
    ],
    "/datastores/{name}/listSecrets": [{"expirableSecret": True, "expireAfterHours": 1}],
    "/onlineEndpoints/{name}": [
        {
            "location": "eastus",
            "tags": {"a": "b"},
            "kind": "Managed",
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "authMode": "Key",
                "description": "d",
                "properties": {"p": "q"},
                "traffic": {"blue": 100},
                "mirrorTraffic": {},
                "publicNetworkAccess": "Enabled",
            },
        },
        {"location": "eastus", "properties": {"authMode": "Key", "traffic": {}}},
    ],
    "/autoscaleSettings/{name}": [
        {
            "location": "eastus",
            "tags": {"a": "b"},
            "properties": {
                "enabled": True,
                "name": "n",
                "targetResourceUri": "/subscriptions/s/resourceGroups/g/providers/x/onlineEndpoints/e/deployments/d",
                "profiles": [
                    {
                        "name": "default",
                        "capacity": {"minimum": "1", "maximum": "4", "default": "1"},
                        "rules": [
                            {
                                "metricTrigger": {
                                    "metricName": "CpuUtilizationPercentage",
                                    "timeGrain": "PT1M",
                                    "statistic": "Average",
                                    "timeWindow": "PT5M",
                                    "timeAggregation": "Average",
                                    "operator": "GreaterThan",
                                    "threshold": 70,
                                    "dimensions": [{"DimensionName": "a", "Operator": "Equals", "Values": ["b"]}],
                                    "dividePerInstance": False,
                                },
                                "scaleAction": {
                                    "direction": "Increase",
                                    "type": "ChangeCount",
                                    "value": "1",
                                    "cooldown": "PT5M",
                                },
                            }
                        ],
                        "recurrence": {
                            "frequency": "Week",
                            "schedule": {"timeZone": "UTC", "days": ["Monday"], "hours": [8], "minutes": [0]},
                        },
                    },
                    {
                        "name": "fixed",
                        "capacity": {"minimum": "1", "maximum": "4", "default": "1"},
                        "fixedDate": {"timeZone": "UTC", "start": "2026-11-29T00:00:00", "end": "2026-11-30T00:00:00"},
                    },
                ],
                "notifications": [],
            },
        }
    ],
    "/onlineEndpoints/{name}/regenerateKeys": [{"keyType": "Primary", "keyValue": "x"}],
    "/onlineEndpoints/{endpoint}/deployments/{name}": [
        {
            "location": "eastus",
            "tags": {"a": "b"},
            "sku": {"name": "Default", "capacity": 1},
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": "Standard_F4s_v2",
                "model": "MODEL",
                "environmentId": "azureml:e:1",
                "environmentVariables": {"A": "b"},
                "properties": {"p": "q"},
                "codeConfiguration": {"codeId": "CODE", "scoringScript": "score.py"},
                "scaleSettings": {"scaleType": "Default"},
                "requestSettings": {
                    "maxConcurrentRequestsPerInstance": 1,
                    "maxQueueWait": "PT0S",
                    "requestTimeout": "PT5S",
                },
                "livenessProbe": _PROBE,
                "readinessProbe": _PROBE,
                "dataCollector": {"collections": {"m": {"dataCollectionMode": "Enabled"}}, "rollingRate": "Hour"},
            },
        }
    ],
    "/onlineEndpoints/{endpoint}/deployments/{name}/getLogs": [{"containerType": "InferenceServer", "tail": 10}],
    "/runs/{run}": [
        {"displayName": "d", "tags": {"a": "b"}, "properties": {"p": "q"}, "hidden": True, "description": "d"}
    ],
    "/rundata": [{"runId": "stage", "selectRunMetadata": True, "selectRunDefinition": True}],
    "/dataversion/batchGetResolvedUris": [{"values": ["azureml:x:1", f"{STORE}/x"]}],
    "/faults": [
        {"pattern": "^no such request$", "status": 500, "headers": {"a": "b"}, "delay": 0.1, "count": 1, "after": True}
    ],
    "/settings": [{"pace": "fast", "speed": 2, "noise": False}],
    "/quota": [{"standardFSv2Family": 100, "dedicatedCores": 1000}],
    "/assumed": [{"busy_is_conflict": True}],
    "/storage": [{"dataRoleAssigned": True}],
    "/schedules/{name}": [
        {
            "properties": {
                "isEnabled": False,
                "trigger": {"triggerType": "Cron", "expression": "0 3 * * 1", "timeZone": "UTC"},
                "action": {
                    "actionType": "CreateJob",
                    "jobDefinition": {"jobType": "Pipeline", "jobs": {}, "inputs": {}},
                },
            }
        },
        {
            "properties": {
                "trigger": {
                    "triggerType": "Recurrence",
                    "frequency": "Week",
                    "interval": 2,
                    "startTime": "2031-05-10T10:15:00",
                    "schedule": {"hours": [4], "minutes": [0], "weekDays": ["Monday"], "monthDays": None},
                },
                "action": {
                    "actionType": "CreateJob",
                    "jobDefinition": {"jobType": "Pipeline", "sourceJobId": "azureml:x"},
                },
            }
        },
    ],
    "/trigger": [{"scheduleTime": "2026-01-31T12:00:00Z"}],
    "/clock": [{"now": "2026-01-31T12:00:00Z"}, {"now": None}],
    "/roles": [{"roles": ["Owner", {"actions": ["*"], "notActions": [], "dataActions": ["*"], "notDataActions": []}]}],
    "/score": [
        {"input_data": {"input_string": [{"role": "user", "content": "x"}], "parameters": {"top_p": 1}}, "params": {}}
    ],
}
MLFLOW = (
    ("runs/create", {"experiment_id": "0", "start_time": 1, "tags": [{"key": "a", "value": "b"}]}),
    ("runs/log-batch", {"run_id": "x", "metrics": [{"key": "a", "value": 1, "timestamp": 1, "step": 0}], "params": []}),
    ("runs/search", {"experiment_ids": ["0"], "filter": "", "max_results": 5}),
    ("experiments/create", {"name": "e", "tags": []}),
    ("experiments/get-by-name", {"experiment_name": "e"}),
)
TOKEN = (
    "client_id={client}&client_secret={secret}&grant_type=client_credentials&"
    "scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
)
XML = '<?xml version="1.0"?><BlockList><Latest>YQ==</Latest></BlockList>'
