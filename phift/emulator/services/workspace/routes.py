"""The workspace, its resource group, discovery, and the status of long-running operations."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import empty, reply
from phift.emulator.core.errors import GatewayError, ServiceError
from phift.emulator.core.routing import LOCATION, SUBSCRIPTION, WS, Host, Route
from phift.emulator.services.emulator import Call
from phift.emulator.services.workspace.documents import document

__all__ = ["ROUTES"]

_GROUP = SUBSCRIPTION + "/resourceGroups/{rg}"


def _document(call: Call) -> dict[str, Any]:
    identity_based = call.emulator.blobs.switches["identityBasedDatastores"]
    return document(call.emulator.workspace, identity_based=identity_based)


async def _get(call: Call) -> Response:
    return reply(_document(call))


async def _list(call: Call) -> Response:
    return reply({"value": [_document(call)]})


async def _group(call: Call) -> Response:
    workspace = call.emulator.workspace
    if call.params["rg"].casefold() != workspace.resource_group.casefold():
        message = f"Resource group '{call.params['rg']}' could not be found."
        raise GatewayError(404, "ResourceGroupNotFound", message)
    return reply(
        {
            "id": f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}",
            "name": workspace.resource_group,
            "type": "Microsoft.Resources/resourceGroups",
            "location": workspace.location,
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        }
    )


async def _discovery(call: Call) -> Response:
    """Hosts as recorded 2026-02; the catalog is not answered for anywhere."""
    location = call.emulator.workspace.location
    experiments = dict.fromkeys(
        ("experimentation", "history", "hyperdrive", "labeling"), f"https://{location}.experiments.azureml.net"
    )
    return reply(
        {
            "api": f"https://{location}.api.azureml.ms",
            "catalog": f"https://{location}.api.azureml.ms",
            **experiments,
            "modelmanagement": f"https://{location}.modelmanagement.azureml.net",
            "pipelines": f"https://{location}.aether.ms",
            "studio": "https://ml.azure.com",
        }
    )


async def _operation_status(call: Call) -> Response:
    operation = call.emulator.operations.get(call.params["operation"])
    if operation is None:
        raise ServiceError(404, "NotFound", f"Operation {call.params['operation']} not found.")
    return reply(operation.document(), headers=operation.poll_headers if operation.status == "Running" else None)


async def _operation_result(call: Call) -> Response:
    """202 with an empty object while it runs, then 200 without a body (recorded 2026-03)."""
    operation = call.emulator.operations.get(call.params["operation"])
    if operation is None:
        raise ServiceError(404, "NotFound", f"Operation {call.params['operation']} not found.")
    if operation.status == "Running":
        headers = {"Location": operation.result_url, **operation.poll_headers}
        return reply({}, 202, headers)
    if operation.error:
        raise ServiceError(400, operation.error["code"], operation.error["message"])
    return empty(200)


ROUTES = (
    Route(Host.ARM, "GET", WS, _get),
    Route(Host.ARM, "GET", WS.rsplit("/", 1)[0], _list),
    Route(Host.ARM, "GET", SUBSCRIPTION + "/providers/Microsoft.MachineLearningServices/workspaces", _list),
    Route(Host.ARM, "GET", _GROUP, _group),
    Route(Host.DATA_PLANE, "GET", "/discovery", _discovery, public=True),
    Route(Host.ARM, "GET", LOCATION + "/computeOperationsStatus/{operation}", _operation_status),
    Route(Host.ARM, "GET", LOCATION + "/mfeOperationsStatus/{operation}", _operation_status),
    Route(Host.ARM, "GET", LOCATION + "/mfeOperationResults/{operation}", _operation_result),
)
