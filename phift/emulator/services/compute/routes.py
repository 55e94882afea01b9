"""AmlCompute clusters. Creates and updates alike answer 201 Creating; a missing cluster is a 404 without a body."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import empty, reply, timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.routing import LOCATION, WS, Host, Route
from phift.emulator.core.validation import check_tags, lenient_object
from phift.emulator.services.compute.capacity import quotas, usages, vm_size_list
from phift.emulator.services.compute.documents import put_reply, shown_to, written
from phift.emulator.services.compute.rules import check_scale
from phift.emulator.services.compute.state import node_count
from phift.emulator.services.emulator import Call

__all__ = ["ROUTES"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}[A-Za-z0-9]")


async def _put(call: Call) -> Response:
    emulator, name = call.emulator, call.params["name"]
    body = await lenient_object(call, "Compute")
    if not _NAME.fullmatch(name):
        message = (
            f"Compute name '{name}' is invalid: 2 to 32 letters, digits and dashes, beginning with a letter "
            "and not ending with a dash."
        )
        raise ServiceError(400, "InvalidPropertyValue", message, target="name")
    existing = emulator.store.get("compute", name)
    if existing and existing["properties"]["provisioningState"] == "Deleting":
        raise ServiceError(409, "ComputeBeingDeleted", f"Compute {existing['name']} is being deleted.")
    document = written(call, body, existing)
    live = existing is not None and existing["properties"]["provisioningState"] != "Failed"
    with emulator.store.transaction():
        emulator.store.put("compute", name, body=document)
        operation = emulator.operations.start(
            "compute",
            name,
            finish="compute.written",
            api_version=call.api_version,
            data=_held(existing) if live else {},
        )
    return reply(put_reply(document, body, live=live), 201, operation.headers)


def _held(existing: dict[str, Any] | None) -> dict[str, int]:
    """The nodes that a live cluster keeps, which an update does not have to find again."""
    return {"kept": int(existing["properties"]["properties"]["scaleSettings"]["minNodeCount"])} if existing else {}


async def _get(call: Call) -> Response:
    document = call.emulator.store.get("compute", call.params["name"])
    return reply(shown_to(call, document)) if document else empty(404)


async def _list(call: Call) -> Response:
    return page(call, [shown_to(call, document) for document in call.emulator.store.list("compute")])


async def _patch(call: Call) -> Response:
    """Scale settings in place; everything else of a cluster is changed by PUT."""
    document = _existing(call)
    body = await lenient_object(call, "Compute")
    asked = (body.get("properties") or {}).get("properties") or body.get("properties") or {}
    scale = {**document["properties"]["properties"]["scaleSettings"], **(asked.get("scaleSettings") or {})}
    check_scale(scale)
    document["properties"]["properties"]["scaleSettings"] = scale
    if "tags" in body:
        document["tags"] = check_tags(body["tags"])
    document["properties"]["modifiedOn"] = timestamp()
    call.emulator.store.put("compute", document["name"], body=document)
    return reply(document)


def _existing(call: Call) -> dict[str, Any]:
    document = call.emulator.store.get("compute", call.params["name"])
    if document is None:
        message = f"Compute {call.params['name']} not found."
        raise ServiceError(404, "UserError", message, inner=("NotFound", "ComputeNotFound"))
    return document


async def _delete(call: Call) -> Response:
    """202, also while jobs run on it (assumed: busy_cluster_is_deleted); 204 for what is not there."""
    emulator, name = call.emulator, call.params["name"]
    document = emulator.store.get("compute", name)
    if document is None:
        return Response(status_code=204)
    busy = emulator.jobs.nodes_in_use(name)
    if busy and not holds(emulator.store, "busy_cluster_is_deleted"):
        message = f"Compute {document['name']} runs jobs on {busy} nodes. Wait for them, or cancel them."
        raise ServiceError(409, "Conflict", message)
    document["properties"]["provisioningState"] = "Deleting"
    with emulator.store.transaction():
        emulator.store.put("compute", name, body=document)
        operation = emulator.operations.start("compute", name, finish="compute.deleted", api_version=call.api_version)
    return empty(202, operation.headers)


async def _list_nodes(call: Call) -> Response:
    document = _existing(call)
    count, running = node_count(call.emulator, document), call.emulator.jobs.nodes_in_use(document["name"])
    nodes = [
        {
            "nodeId": f"tvmps_{document['name'].lower()}_{index}",
            "privateIpAddress": f"10.0.0.{4 + index}",
            "publicIpAddress": None,
            "port": 50000 + index,
            "nodeState": "running" if index < running else "idle",
            "runId": None,
        }
        for index in range(count)
    ]
    return reply({"nodes": nodes})


ROUTES = (
    Route(Host.ARM, "GET", WS + "/computes", _list),
    Route(Host.ARM, "GET", WS + "/computes/{name}", _get),
    Route(Host.ARM, "PUT", WS + "/computes/{name}", _put),
    Route(Host.ARM, "PATCH", WS + "/computes/{name}", _patch),
    Route(Host.ARM, "DELETE", WS + "/computes/{name}", _delete),
    Route(Host.ARM, "POST", WS + "/computes/{name}/listNodes", _list_nodes),
    Route(Host.ARM, "GET", LOCATION + "/vmSizes", vm_size_list),
    Route(Host.ARM, "GET", LOCATION + "/usages", usages),
    Route(Host.ARM, "GET", LOCATION + "/quotas", quotas),
)
