"""Workspaces, discovery, and the status of long-running operations."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import empty, reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.operations import Operation
from phift.emulator.core.routing import LOCATION, SUBSCRIPTION, WS, Host, Route
from phift.emulator.core.validation import lenient_object
from phift.emulator.services.emulator import Call, emulators
from phift.emulator.services.workspace.changes import apply, begin, check_free, delete, settings_of, write
from phift.emulator.services.workspace.documents import document
from phift.emulator.services.workspace.groups import GROUP_ROUTES
from phift.emulator.services.workspace.rules import existing_group, existing_workspace, find_workspace
from phift.emulator.services.workspace.state import Record, records
from phift.emulator.services.workspace.templates import TEMPLATE_ROUTES

__all__ = ["ROUTES"]


def _shown(call: Call, record: Record) -> dict[str, Any]:
    found = (each for each in emulators(call.emulator.cloud) if each.workspace.name == record.workspace.name)
    emulator = next((each for each in found if each.workspace.workspace_id == record.workspace.workspace_id), None)
    return document(record, identity_based=bool(emulator and emulator.blobs.switches["identityBasedDatastores"]))


async def _get(call: Call) -> Response:
    return reply(_shown(call, existing_workspace(call.emulator.cloud, call.params["group"], call.params["name"])))


async def _list(call: Call) -> Response:
    """Those of a resource group, or of the subscription."""
    group = call.params.get("group")
    if group is not None:
        group = existing_group(call.emulator.cloud, group)["name"]
    found = (each for each in records(call.emulator.cloud) if group in (None, each.workspace.resource_group))
    return page(call, (_shown(call, each) for each in found))


async def _put(call: Call) -> Response:
    body = await lenient_object(call, "Workspace")
    created, record = write(call.emulator, call.params["group"], call.params["name"], body)
    operation = begin(call.emulator, record, call.api_version, "workspace.written")
    return reply(_shown(call, record), 201 if created else 200, operation.headers)


async def _patch(call: Call) -> Response:
    """Change what it names, tags as a whole, at once (assumed: patches_are_done_at_once)."""
    record = existing_workspace(call.emulator.cloud, call.params["group"], call.params["name"])
    body = await lenient_object(call, "Workspace")
    check_free(record)
    record.settings |= settings_of(body)
    record.save(call.emulator.cloud)
    apply(call.emulator, record)
    return reply(_shown(call, record))


async def _delete(call: Call) -> Response:
    record = find_workspace(call.emulator.cloud, call.params["group"], call.params["name"])
    if record is None:
        return empty(204)
    delete(call.emulator, record)
    operation = begin(call.emulator, record, call.api_version, "workspace.deleted")
    return empty(202, operation.headers)


async def _discovery(call: Call) -> Response:
    """Hosts as recorded 2026-02; the catalog is not answered for anywhere."""
    location, _, rest = call.hostname.partition(".")
    if rest != "api.azureml.ms":
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


def _operation(call: Call) -> Operation:
    """The operation of that name, of whichever workspace."""
    name = call.params["operation"]
    found = (each.operations.get(name) for each in call.emulator.cloud.contexts)
    if operation := next(filter(None, found), None):
        return operation
    raise ServiceError(404, "NotFound", f"Operation {name} not found.")


async def _operation_status(call: Call) -> Response:
    operation = _operation(call)
    return reply(operation.document(), headers=operation.poll_headers if operation.status == "Running" else None)


async def _operation_result(call: Call) -> Response:
    """202 with an empty object while it runs, then 200 without a body (recorded 2026-03)."""
    operation = _operation(call)
    if operation.status == "Running":
        headers = {"Location": operation.result_url, **operation.poll_headers}
        return reply({}, 202, headers)
    if operation.error:
        raise ServiceError(400, operation.error["code"], operation.error["message"])
    return empty(200)


_WORKSPACES = "/providers/Microsoft.MachineLearningServices/workspaces"
_WORKSPACE = WS.replace("{rg}", "{group}").replace("{ws}", "{name}")

ROUTES = (
    Route(Host.ARM, "GET", _WORKSPACE, _get),
    Route(Host.ARM, "PUT", _WORKSPACE, _put),
    Route(Host.ARM, "PATCH", _WORKSPACE, _patch),
    Route(Host.ARM, "DELETE", _WORKSPACE, _delete),
    Route(Host.ARM, "GET", SUBSCRIPTION + "/resourceGroups/{group}" + _WORKSPACES, _list),
    Route(Host.ARM, "GET", SUBSCRIPTION + _WORKSPACES, _list),
    *GROUP_ROUTES,
    *TEMPLATE_ROUTES,
    Route(Host.DATA_PLANE, "GET", "/discovery", _discovery, public=True),
    Route(Host.ARM, "GET", LOCATION + "/computeOperationsStatus/{operation}", _operation_status),
    Route(Host.ARM, "GET", LOCATION + "/mfeOperationsStatus/{operation}", _operation_status),
    Route(Host.ARM, "GET", LOCATION + "/mfeOperationResults/{operation}", _operation_result),
    Route(Host.ARM, "GET", LOCATION + "/workspaceOperationsStatus/{operation}", _operation_status),
)
