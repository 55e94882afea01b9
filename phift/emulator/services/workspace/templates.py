"""Deployments of Resource Manager templates: the one by which azure-ai-ml creates a workspace, known by its parameters.

The template's expressions are not evaluated: what it makes is read from the values of the parameters that it is known
to have.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply, timestamp
from phift.emulator.core.errors import GatewayError
from phift.emulator.core.operations import Operation
from phift.emulator.core.routing import SUBSCRIPTION, Host, Route
from phift.emulator.core.validation import lenient_object
from phift.emulator.services.emulator import Call
from phift.emulator.services.workspace.changes import begin, write
from phift.emulator.services.workspace.rules import existing_group, not_emulated

__all__ = ["TEMPLATE_ROUTES"]

_KIND = "armDeployment"
_WORKSPACE_TYPE = "Microsoft.MachineLearningServices/workspaces"
_PROPERTIES = ("friendlyName", "description", "publicNetworkAccess", "imageBuildCompute", "systemDatastoresAuthMode")
_DEPENDENT = {
    "storageAccount": ("storageAccountName", "storageAccountOption", "Microsoft.Storage/storageAccounts"),
    "keyVault": ("keyVaultName", "keyVaultOption", "Microsoft.Keyvault/vaults"),
    "applicationInsights": ("applicationInsightsName", "applicationInsightsOption", "Microsoft.insights/components"),
    "containerRegistry": (
        "containerRegistryName",
        "containerRegistryOption",
        "Microsoft.ContainerRegistry/registries",
    ),
}
"""The resources next to the workspace: the parameter with the name, that with new, existing or none, the type."""
_STATES = {"Running": "Running", "Succeeded": "Succeeded", "Failed": "Failed", "Canceled": "Canceled"}


async def _put(call: Call) -> Response:
    group = existing_group(call.emulator.cloud, call.params["group"])["name"]
    sent = (await lenient_object(call, "ArmDeployment")).get("properties") or {}
    resources = (sent.get("template") or {}).get("resources") or []
    if not any(isinstance(each, dict) and each.get("type") == _WORKSPACE_TYPE for each in resources):
        raise not_emulated("templates without a workspace")
    values = {
        name: value.get("value") for name, value in (sent.get("parameters") or {}).items() if isinstance(value, dict)
    }
    if not isinstance(name := values.get("workspaceName"), str):
        raise not_emulated("templates whose workspace is not named by the parameter workspaceName")
    body, targets = _workspace_of(call, group, values)
    _, record = write(call.emulator, group, name, body)
    operation = begin(call.emulator, record, "2023-08-01-preview", "workspace.written")
    targets.append({"id": record.workspace.arm_id, "resourceType": _WORKSPACE_TYPE, "resourceName": name})
    stored = {
        "name": call.params["deployment"],
        "group": group,
        "operation": operation.name,
        "targets": targets,
        "parameters": {name: value for name, value in values.items() if value is not None},
        "started": timestamp(),
    }
    call.emulator.cloud.store.put(_KIND, group, stored["name"], body=stored)
    url = f"https://{call.hostname}{call.request.url.path}/operationStatuses/{operation.name}"
    headers = {"Azure-AsyncOperation": f"{url}?api-version={call.api_version}", **operation.poll_headers}
    return reply(_document(call, stored, operation), 201, headers)


def _workspace_of(call: Call, group: str, values: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The body of the workspace's PUT, and the resources that are created before it."""
    properties = {key: values[key] for key in _PROPERTIES if values.get(key)}
    if isinstance(network := values.get("managedNetwork"), dict):
        properties["managedNetwork"] = network
    targets = []
    for key, (name, option, kind) in _DEPENDENT.items():
        default = "none" if key == "containerRegistry" else "new"
        if values.get(name) and values.get(option, default) != "none":
            other = values.get(f"{name.removesuffix('Name')}ResourceGroupName") or group
            scope = f"/subscriptions/{call.emulator.workspace.subscription_id}/resourceGroups/{other}"
            properties[key] = f"{scope}/providers/{kind}/{values[name]}"
            targets.append({"id": properties[key], "resourceType": kind, "resourceName": values[name]})
    body = {
        "location": values.get("location"),
        "kind": values.get("kind"),
        "tags": values.get("tagValues") or {},
        "properties": properties,
    }
    return body, targets


async def _get(call: Call) -> Response:
    stored, operation = _stored(call)
    return reply(_document(call, stored, operation))


async def _status(call: Call) -> Response:
    _, operation = _stored(call)
    body: dict[str, Any] = {"status": _STATES[operation.status]}
    if operation.error:
        body["error"] = _error(operation)
    return reply(body, headers=operation.poll_headers if operation.status == "Running" else None)


async def _operations(call: Call) -> Response:
    """One for each resource; all end with the workspace's."""
    stored, operation = _stored(call)
    rows = []
    for number, target in enumerate(stored["targets"]):
        workspace = target["resourceType"] == _WORKSPACE_TYPE
        state = _STATES[operation.status] if workspace else "Succeeded"
        properties = {
            "provisioningOperation": "Create",
            "provisioningState": state,
            "timestamp": operation.ended or timestamp(),
            "duration": _duration(stored, operation),
            "statusCode": {"Succeeded": "OK", "Running": "Created"}.get(state, "BadRequest"),
            "targetResource": target,
        }
        if state == "Failed":
            properties["statusMessage"] = {"status": "Failed", "error": _error(operation)}
        identifier = f"{operation.name}-{number}"
        rows.append(
            {"id": f"{_id(call, stored)}/operations/{identifier}", "operationId": identifier, "properties": properties}
        )
    return reply({"value": rows})


def _stored(call: Call) -> tuple[dict[str, Any], Operation]:
    group = existing_group(call.emulator.cloud, call.params["group"])["name"]
    stored = call.emulator.cloud.store.get(_KIND, group, call.params["deployment"])
    operation = call.emulator.operations.get(stored["operation"]) if stored else None
    if stored is None or operation is None:
        text = f"Deployment '{call.params['deployment']}' could not be found."
        raise GatewayError(404, "DeploymentNotFound", text)
    return stored, operation


def _document(call: Call, stored: dict[str, Any], operation: Operation) -> dict[str, Any]:
    properties = {
        "mode": "Incremental",
        "provisioningState": "Accepted" if call.request.method == "PUT" else _STATES[operation.status],
        "timestamp": operation.ended or stored["started"],
        "duration": _duration(stored, operation),
        "correlationId": operation.name,
        "parameters": {name: {"value": value} for name, value in stored["parameters"].items()},
        "outputResources": [{"id": each["id"]} for each in stored["targets"]],
    }
    if operation.error:
        properties["error"] = _error(operation)
    kind = "Microsoft.Resources/deployments"
    return {"id": _id(call, stored), "name": stored["name"], "type": kind, "properties": properties}


def _error(operation: Operation) -> dict[str, Any]:
    text = "At least one resource deployment operation failed. Please list deployment operations for details."
    return {"code": "DeploymentFailed", "message": text, "details": [operation.error]}


def _duration(stored: dict[str, Any], operation: Operation) -> str:
    end = datetime.fromisoformat(operation.ended) if operation.ended else datetime.now(UTC)
    return f"PT{max(0.0, (end - datetime.fromisoformat(stored['started'])).total_seconds()):.7f}S"


def _id(call: Call, stored: dict[str, Any]) -> str:
    scope = f"/subscriptions/{call.emulator.workspace.subscription_id}/resourceGroups/{stored['group']}"
    return f"{scope}/providers/Microsoft.Resources/deployments/{stored['name']}"


_DEPLOYMENT = SUBSCRIPTION + "/resourceGroups/{group}/providers/Microsoft.Resources/deployments/{deployment}"

TEMPLATE_ROUTES = (
    Route(Host.ARM, "PUT", _DEPLOYMENT, _put),
    Route(Host.ARM, "GET", _DEPLOYMENT, _get),
    Route(Host.ARM, "GET", _DEPLOYMENT + "/operationStatuses/{operation}", _status),
    Route(Host.ARM, "GET", _DEPLOYMENT + "/operations", _operations),
    Route(Host.ARM, "GET", _DEPLOYMENT.replace("/providers/Microsoft.Resources", "") + "/operations", _operations),
)
