"""A deployment document from a request: checked, with the service's defaults filled in."""

from __future__ import annotations

import math
from typing import Any

from phift.catalog.vm_sizes import VmSize, vm_size
from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import PRINCIPAL, timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.quota import TOTAL, Use, family_of
from phift.emulator.core.validation import check_tags, text_map
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.runtime.serving.probes import DEFAULT_PROBE, Probe
from phift.emulator.services.assets.locations import RegistryModel, place_of
from phift.emulator.services.deployments.prepare import model_key
from phift.emulator.services.emulator import Emulator
from phift.emulator.services.endpoints.rules import DEPLOYMENT, ENDPOINT, endpoint_id, refusal

__all__ = ["SERVER_VARIABLES", "check_quota", "in_use", "server_variables", "written"]

SERVER_VARIABLES = ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AML_APP_ROOT")
_CORES_FACTOR = 1.2  # the service keeps room for its rolling updates (Azure docs)
_MAX_INSTANCES = 50
_MAX_TIMEOUT = 180.0
_SERVER_KEYS = ("AzureAsyncOperationUri",)
_REQUEST_SETTINGS = {"maxQueueWait": "PT0S", "requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1}


def written(
    emulator: Emulator, endpoint: str, name: str, body: dict[str, Any], old: dict[str, Any] | None
) -> dict[str, Any]:
    """The stored document. Raises ServiceError for what the service refuses at once; nothing is stored or started."""
    sent = body.get("properties")
    if not isinstance(sent, dict):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: 'properties' is missing.")
    if str(sent.get("endpointComputeType") or "Managed") != "Managed":
        text = f"The embedded Azure ML has Managed deployments only, not {sent['endpointComputeType']}."
        raise refusal({"EndpointComputeType": text})
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
            "requestSettings": _request_settings(sent.get("requestSettings")),
            "modelMountPath": sent.get("modelMountPath"),
            "appInsightsEnabled": bool(sent.get("appInsightsEnabled", False)),
            "livenessProbe": _probe("LivenessProbe", sent.get("livenessProbe")),
            "readinessProbe": _probe("ReadinessProbe", sent.get("readinessProbe")),
            "provisioningState": "Creating",
            "instanceType": sent.get("instanceType"),
            "model": sent.get("model"),
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
        "sku": _sku(body.get("sku")),
    }
    _check_assets(emulator, document["properties"])
    _size(document)
    return document


def _sku(sent: Any) -> dict[str, Any]:
    capacity = (sent or {}).get("capacity", 1)
    if isinstance(capacity, bool) or not isinstance(capacity, int) or not 1 <= capacity <= _MAX_INSTANCES:
        raise refusal({"Sku.Capacity": f"The number of instances must be 1 to {_MAX_INSTANCES}, not {capacity!r}."})
    return {"name": "Default", "tier": "Standard", "capacity": capacity}


def _request_settings(sent: Any) -> dict[str, Any]:
    given = {key: value for key, value in (sent or {}).items() if value is not None}
    settings: dict[str, Any] = {**_REQUEST_SETTINGS, **given}
    try:
        timeout = seconds_of(str(settings["requestTimeout"]))
        seconds_of(str(settings["maxQueueWait"]))
    except ValueError as error:
        raise refusal({"RequestSettings": str(error)}) from error
    if not 0 < timeout <= _MAX_TIMEOUT:
        text = f"RequestTimeout must be above 0 and at most 180 seconds, not {settings['requestTimeout']}."
        raise refusal({"RequestSettings.RequestTimeout": text})
    concurrent = settings["maxConcurrentRequestsPerInstance"]
    if isinstance(concurrent, bool) or not isinstance(concurrent, int) or concurrent < 1:
        text = f"MaxConcurrentRequestsPerInstance must be a whole number of at least 1, not {concurrent!r}."
        raise refusal({"RequestSettings.MaxConcurrentRequestsPerInstance": text})
    return settings


def _probe(field: str, sent: Any) -> dict[str, Any]:
    given = {key: value for key, value in (sent or {}).items() if value is not None}
    try:
        Probe.read(given)
    except (ValueError, TypeError) as error:
        raise refusal({field: f"{field} is invalid: {error}."}) from error
    return {**DEFAULT_PROBE, **given}


def _check_assets(emulator: Emulator, properties: dict[str, Any]) -> None:
    """Model and code exist; a model that is none of MLflow brings its own code."""
    model, code = properties["model"], properties["codeConfiguration"]
    if not model and not code:
        raise refusal({"Model": "A deployment needs a model, or code that brings its own."})
    kind = ""
    if model:
        try:
            place = place_of(emulator, model, "mlflow_model")
        except ServiceError as error:
            raise refusal({"Model": f"The model {model} cannot be found: {error.message}"}) from error
        if not isinstance(place, RegistryModel):
            stored = emulator.store.get("models/versions", *model_key(model))
            kind = str((stored or {}).get("properties", {}).get("modelType") or "")
    if code:
        if not isinstance(code, dict) or not code.get("codeId") or not code.get("scoringScript"):
            raise refusal({"CodeConfiguration": "CodeConfiguration needs codeId and scoringScript."})
        if "\0" in code["scoringScript"]:
            raise refusal({"CodeConfiguration.ScoringScript": "The scoring script is not a valid path."})
        if emulator.store.get("codes/versions", *model_key(str(code["codeId"]))) is None:
            raise refusal({"CodeConfiguration.CodeId": f"The code asset {code['codeId']} cannot be found."})
    elif kind == "custom_model":
        text = (
            f"The model {model} is of type custom_model: a deployment without CodeConfiguration needs an mlflow_model."
        )
        raise refusal({"CodeConfiguration": text})


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


# quota


def _size(document: dict[str, Any]) -> VmSize:
    asked = document["properties"]["instanceType"]
    found = vm_size(str(asked or ""))
    if found is None or found.retired is not None:
        why = f"was retired on {found.retired}" if found else "is not supported"
        text = f"The instance type '{asked}' {why} for managed online deployments in {document['location']}."
        raise refusal({"InstanceType": text}, code="InferencingClientCreateDeploymentFailed")
    return found


def check_quota(emulator: Emulator, document: dict[str, Any], old: dict[str, Any] | None, *, total: bool) -> None:
    """Raises ServiceError when the instances, and the fifth more that the service reserves, do not fit.

    total: check the region's total as well, which the service does only while it provisions (OutOfQuota there); the
    family is checked at once (both faces are field reports). old: what the deployment holds already.
    """
    size = _size(document)
    need = _cores(document)
    if old is not None and str(old["properties"]["instanceType"]).casefold() == size.name.casefold():
        need -= _cores(old)
    if need <= 0:
        return
    limits, used = emulator.quota.limits(), emulator.quota.used()
    if total:
        if used[TOTAL] > limits[TOTAL]:
            text = (
                f"Not enough subscription CPU quota. The amount of CPU quota requested is {_cores(document)} and your "
                f"maximum amount of quota is {limits[TOTAL]}. Please see troubleshooting guide, available here: "
                "https://aka.ms/oe-tsg#error-outofquota"
            )
            raise ServiceError(400, "OutOfQuota", text)
        return
    limit = emulator.quota.limit(size, low_priority=False)
    free = limit - used.get(family_of(size.name).name, 0)
    if need > free:
        text = (
            f"Not enough quota available for {document['properties']['instanceType']} in SubscriptionId "
            f"{emulator.workspace.subscription_id}. Current usage/limit: {limit - free}/{limit}. Additional needed: "
            f"{need} Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota"
        )
        raise refusal({"VmSize": text}, code="InferencingClientCreateDeploymentFailed")


def _cores(document: dict[str, Any]) -> int:
    instances: int = document["sku"]["capacity"]
    return math.ceil(round(_CORES_FACTOR * instances, 6)) * _size(document).vcpus


def in_use(emulator: Emulator) -> list[Use]:
    """What all deployments hold of the quota, failed ones and those being deleted too."""
    uses = []
    for endpoint in emulator.store.list(ENDPOINT):
        for record in emulator.store.list(DEPLOYMENT, endpoint["document"]["name"]):
            document = record["document"]
            kind, count = document["properties"]["instanceType"], document["sku"]["capacity"]
            uses.append(Use(kind, count, cores_factor=_CORES_FACTOR))
    return uses
