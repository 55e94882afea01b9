"""Documents of deployments: from a request, with the service's defaults filled in, and as GET answers."""

from __future__ import annotations

import copy
from typing import Any

from phift.emulator.core.apiversions import shown
from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import PRINCIPAL, timestamp
from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.core.validation import check_tags, text_map
from phift.emulator.services.deployments.prepare import model_key
from phift.emulator.services.deployments.quota import size_of
from phift.emulator.services.deployments.rules import check_assets, data_collector, probe_of, request_settings, sku_of
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.endpoints.rules import refusal
from phift.emulator.services.endpoints.state import DEPLOYMENT, endpoint_id, operation_uri

__all__ = ["SERVER_VARIABLES", "server_variables", "shown_to", "written"]

SERVER_VARIABLES = ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AML_APP_ROOT")
_OTHER_TYPES = ("AzureMLCompute", "Kubernetes")
"""Types of deployments that the service has next to managed ones."""
_SERVER_KEYS = ("AzureAsyncOperationUri",)


def written(
    emulator: Emulator, endpoint: str, name: str, body: dict[str, Any], old: dict[str, Any] | None
) -> dict[str, Any]:
    """The stored document. Raises ServiceError for what the service refuses at once; nothing is stored or started."""
    sent = body.get("properties")
    if not isinstance(sent, dict):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: 'properties' is missing.")
    if (kind := str(sent.get("endpointComputeType") or "Managed")) != "Managed":
        if kind in _OTHER_TYPES:
            raise not_supported(f"Deployments of type {kind} are")
        raise refusal({"EndpointComputeType": f"'{kind}' is not a type of deployments."})
    now = timestamp()
    variables = text_map(sent.get("environmentVariables"), "environmentVariables")
    for key, value in variables.items():
        if not key or "=" in key or "\0" in key + value:
            raise refusal({"EnvironmentVariables": f"{key!r} is not a valid environment variable."})
    bag = text_map(sent.get("properties"), "properties")
    document: dict[str, Any] = {
        "id": f"{endpoint_id(emulator, endpoint)}/deployments/{name}",
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "properties": {
            "description": sent.get("description"),
            "properties": {key: value for key, value in bag.items() if key not in _SERVER_KEYS},
            "codeConfiguration": sent.get("codeConfiguration"),
            "environmentId": sent.get("environmentId"),
            "environmentVariables": {key: text for key, text in variables.items() if key not in SERVER_VARIABLES},
            "scaleSettings": sent.get("scaleSettings") or {"scaleType": "Default"},
            "requestSettings": request_settings(sent.get("requestSettings")),
            "modelMountPath": sent.get("modelMountPath"),
            "appInsightsEnabled": bool(sent.get("appInsightsEnabled", False)),
            "livenessProbe": probe_of("LivenessProbe", sent.get("livenessProbe")),
            "readinessProbe": probe_of("ReadinessProbe", sent.get("readinessProbe")),
            "provisioningState": "Creating",
            "instanceType": sent.get("instanceType"),
            "model": sent.get("model"),
            "dataCollector": data_collector(sent.get("dataCollector")),
            "egressPublicNetworkAccess": sent.get("egressPublicNetworkAccess") or "Enabled",
            "endpointComputeType": "Managed",
        },
        "systemData": {
            "createdAt": old["systemData"]["createdAt"] if old else now,
            "createdBy": PRINCIPAL,
            "lastModifiedAt": now,
        },
        "tags": check_tags(body.get("tags")),
        "location": body.get("location") or emulator.workspace.location,
        "kind": "Managed",
        "sku": sku_of(body.get("sku")),
    }
    check_assets(emulator, document["properties"])
    size_of(emulator, document)
    return document


def server_variables(emulator: Emulator, properties: dict[str, Any]) -> dict[str, str]:
    """The variables that the service adds and shows once a deployment has succeeded (recorded 2025-02; assumed:
    mlflow_deployments_show_variables)."""
    name, number = model_key(properties["model"] or "")
    code = properties["codeConfiguration"]
    if not code and not holds(emulator.store, "mlflow_deployments_show_variables"):
        return {}
    shown = {"AZUREML_MODEL_DIR": f"/var/azureml-app/azureml-models/{name}/{number}"} if name else {}
    if code:
        return shown | {"AZUREML_ENTRY_SCRIPT": code["scoringScript"], "AML_APP_ROOT": "/var/azureml-app/onlinescoring"}
    return shown | {
        "AZUREML_ENTRY_SCRIPT": "/var/mlflow_resources/mlflow_score_script.py",
        "AML_APP_ROOT": "/var/mlflow_resources",
    }


def shown_to(call: Call, record: dict[str, Any]) -> dict[str, Any]:
    """The document as this request's api-version reads it."""
    document: dict[str, Any] = copy.deepcopy(record["document"])
    properties = document["properties"]
    properties["properties"]["AzureAsyncOperationUri"] = operation_uri(
        call.emulator, record["operation"], call.api_version
    )
    if record["succeeded"]:
        properties["environmentVariables"] |= server_variables(call.emulator, properties)
    properties |= {"privateNetworkConnection": False, "dataCollector": properties.get("dataCollector")}
    document["properties"] = shown(DEPLOYMENT, properties, call.api_version)
    return document
