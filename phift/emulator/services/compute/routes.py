"""AmlCompute clusters. Creates and updates alike answer 201 Creating; a missing cluster is a 404 without a body."""

from __future__ import annotations

import copy
import random
import re
import uuid
from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from phift.catalog.vm_sizes import VmSize, vm_size, vm_sizes
from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import empty, reply, timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.operations import Operation
from phift.emulator.core.quota import Use, family_of
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_tags, lenient_object
from phift.emulator.services.emulator import Call, Emulator

__all__ = ["FINISHERS", "ROUTES", "nodes_in_use", "quota_in_use"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}[A-Za-z0-9]")
_ZERO_NODES = dict.fromkeys(
    (
        "preparingNodeCount",
        "runningNodeCount",
        "idleNodeCount",
        "unusableNodeCount",
        "leavingNodeCount",
        "preemptedNodeCount",
    ),
    0,
)
_RUNTIME = {
    "subnet": None,
    "currentNodeCount": 0,
    "targetNodeCount": 0,
    "nodeStateCounts": _ZERO_NODES,
    "allocationState": "Steady",
    "errors": None,
    "virtualMachineImage": None,
    "isolatedNetwork": False,
    "enableBatchPrivateLink": False,
    "propertyBag": {},
}
_NULL_IN_PUT_REPLY = ("currentNodeCount", "targetNodeCount", "nodeStateCounts", "allocationState")
_ABSENT_IN_PUT_REPLY = ("userAccountCredentials", "propertyBag", "allocationStateTransitionTime")
_MAX_NODES = 65_000  # of a cluster (Azure docs)
_FIXED = ("vmSize", "vmPriority", "subnet")
_PRIORITIES = {"dedicated": "Dedicated", "lowpriority": "LowPriority"}


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
    document = _written(call, body, existing)
    with emulator.store.transaction():
        emulator.store.put("compute", name, body=document)
        operation = emulator.operations.start("compute", name, finish="compute.written", api_version=call.api_version)
    live = existing is not None and existing["properties"]["provisioningState"] != "Failed"
    return reply(_put_reply(document, body, live=live), 201, operation.headers)


def _written(call: Call, body: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
    """The stored document: GET's shape, from the request and what there was."""
    outer = body.get("properties")
    if not isinstance(outer, dict) or not isinstance(outer.get("properties"), dict):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: 'properties.properties' is missing.")
    if outer.get("computeType") != "AmlCompute":
        message = f"The embedded Azure ML has AmlCompute only, not {outer.get('computeType')!r}."
        raise ServiceError(400, "InvalidPropertyValue", message, target="computeType")
    _check_scale(outer["properties"].get("scaleSettings") or {})
    inner = _unchanged(call.emulator, outer["properties"], existing)
    size = _size(str(inner.get("vmSize", "")))
    now = timestamp()
    old = existing["properties"] if existing else {}
    location = body.get("location") or call.emulator.workspace.location
    properties: dict[str, Any] = {
        "vmSize": inner.get("vmSize") or size.name,
        "vmPriority": _PRIORITIES.get(str(inner.get("vmPriority") or "Dedicated").lower(), "Dedicated"),
        "scaleSettings": {
            "maxNodeCount": 1,
            "minNodeCount": 0,
            "nodeIdleTimeBeforeScaleDown": "PT2M",
            **(inner.get("scaleSettings") or {}),
        },
        **copy.deepcopy(_RUNTIME),
        "subnet": inner.get("subnet"),
        "allocationStateTransitionTime": now,
        "remoteLoginPortPublicAccess": _login_access(inner.get("remoteLoginPortPublicAccess")),
        "osType": inner.get("osType") or "Linux",
    }
    for optional in ("enableNodePublicIp", "isolatedNetwork"):
        if inner.get(optional) is not None:
            properties[optional] = inner[optional]
    if credentials := inner.get("userAccountCredentials"):
        properties["userAccountCredentials"] = {**credentials, "adminUserPassword": None}
    document: dict[str, Any] = {
        "id": f"{call.emulator.workspace.arm_id}/computes/{existing['name'] if existing else call.params['name']}",
        "name": existing["name"] if existing else call.params["name"],
        "type": "Microsoft.MachineLearningServices/workspaces/computes",
        "location": location,
        "tags": check_tags(body.get("tags")),
        "properties": {
            "createdOn": old.get("createdOn", now),
            "modifiedOn": now,
            "disableLocalAuth": bool(outer.get("disableLocalAuth", False)),
            "description": outer.get("description"),
            "resourceId": None,
            "computeType": "AmlCompute",
            "computeLocation": location,
            "provisioningState": "Creating",
            "provisioningErrors": None,
            "provisioningWarnings": {},
            "isAttachedCompute": False,
            "properties": properties,
        },
    }
    if identity := body.get("identity"):
        document["identity"] = _identity(call.emulator, identity, (existing or {}).get("identity"))
    return document


def _identity(emulator: Emulator, asked: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    """A system identity gets a principal at creation and keeps it; a re-created cluster gets another."""
    if "SystemAssigned" not in str(asked.get("type")):
        return asked
    principal = (old or {}).get("principalId") or str(uuid.uuid4())
    return {**asked, "principalId": principal, "tenantId": emulator.workspace.tenant_id}


def _login_access(asked: Any) -> str:
    """NotSpecified turns into Disabled; only an explicit Enabled opens the port."""
    return "Enabled" if asked == "Enabled" else "Disabled"


def _size(name: str) -> VmSize:
    found = vm_size(name)
    if found is None or found.retired is not None:
        known = ", ".join(size.name for size in vm_sizes().values() if size.retired is None)
        why = f"retired on {found.retired}" if found else "unknown"
        raise ServiceError(
            400,
            "InvalidPropertyValue",
            f"The value '{name}' of property 'vmSize' is invalid ({why}). Supported VM sizes: {known}",
            target="vmSize",
        )
    return found


def _check_scale(scale: dict[str, Any]) -> None:
    least, most = scale.get("minNodeCount", 0), scale.get("maxNodeCount", 1)
    numbers = all(isinstance(count, int) and not isinstance(count, bool) for count in (least, most))
    if not (numbers and 0 <= least <= most <= _MAX_NODES):
        message = f"The scale settings are invalid: minNodeCount {least} and maxNodeCount {most}."
        raise ServiceError(400, "InvalidPropertyValue", message, target="scaleSettings")


def _unchanged(emulator: Emulator, inner: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
    """The properties, with size, tier and subnet as a cluster that lives has them; raises where they are to change
    (assumed: cluster_size_is_fixed)."""
    if existing is None or existing["properties"]["provisioningState"] == "Failed":
        return inner
    old, kept = existing["properties"]["properties"], dict(inner)
    for key in _FIXED:
        wanted = inner.get(key)
        if wanted is not None and str(wanted).casefold() != str(old.get(key)).casefold():
            if holds(emulator.store, "cluster_size_is_fixed"):
                message = (
                    f"The property '{key}' of an existing compute cannot be changed from {old.get(key)} to {wanted}."
                )
                raise ServiceError(400, "InvalidPropertyValue", message, target=key)
            kept[key] = old.get(key)
    return kept


def _put_reply(document: dict[str, Any], body: dict[str, Any], *, live: bool) -> dict[str, Any]:
    """What a PUT answers: the runtime block null, the size in capitals; for a new cluster the tags as sent, for one
    that lives the id of what is behind it (recorded 2024-12)."""
    answer = copy.deepcopy(document)
    if live:
        workspace, _, name = document["id"].partition("/computes/")
        group, _, workspace_name = workspace.partition("/providers/Microsoft.MachineLearningServices/workspaces/")
        cluster = f"{group}/providers/Microsoft.BatchAI/workspaces/{workspace_name}/clusters/{name}"
        answer["properties"]["resourceId"] = cluster
    else:
        answer["tags"] = body.get("tags")
        answer["properties"]["provisioningWarnings"] = None
        answer["properties"].pop("computeLocation")
    inner = answer["properties"]["properties"]
    inner["vmSize"] = inner["vmSize"].upper()
    for key in _NULL_IN_PUT_REPLY:
        inner[key] = None
    for key in _ABSENT_IN_PUT_REPLY:
        inner.pop(key, None)
    return answer


def finish_write(emulator: Emulator, operation: Operation) -> None:
    """Ends a create or update: Succeeded, or Failed when not one node fits; a failed record keeps its name."""
    document = emulator.store.get("compute", *operation.resource)
    if document is None or document["properties"]["provisioningState"] == "Deleting":
        raise ServiceError(409, "OperationCanceled", "The compute was deleted meanwhile.")
    properties = document["properties"]
    try:
        operation.fail_if_asked()
        _check_quota(emulator, properties["properties"])
    except ServiceError as error:
        properties["provisioningState"] = "Failed"
        properties["provisioningErrors"] = [{"error": {"details": [], **error.body()}}]
        emulator.store.put("compute", *operation.resource, body=document)
        raise
    properties["provisioningState"] = "Succeeded"
    properties["modifiedOn"] = timestamp()
    emulator.store.put("compute", *operation.resource, body=document)


def _check_quota(emulator: Emulator, inner: dict[str, Any]) -> None:
    """At least one node must fit, also when the cluster starts with none."""
    size = _size(inner["vmSize"])
    low = inner["vmPriority"] == "LowPriority"
    nodes = max(1, inner["scaleSettings"]["minNodeCount"])
    if emulator.quota.free(size, low_priority=low) >= nodes * size.vcpus:
        return
    limit = emulator.quota.limit(size, low_priority=low)
    pool = "total" if low else family_of(size.name).label.replace("Family", "family")
    raise ServiceError(
        400,
        "ClusterMinNodesExceedCoreQuota",
        f"The specified subscription has a {pool} vCPU quota of {limit} and cannot accomodate for at least {nodes} "
        f"requested managed compute nodes which maps to {nodes * size.vcpus} vCPUs.",
    )


def nodes_in_use(emulator: Emulator) -> list[tuple[str, Use]]:
    """What the nodes of each cluster that has any hold of the quota now, with the cluster's name."""
    uses = []
    for document in emulator.store.list("compute"):
        inner = document["properties"]["properties"]
        if count := _node_count(emulator, document):
            use = Use(inner["vmSize"], count, low_priority=inner["vmPriority"] == "LowPriority")
            uses.append((document["name"], use))
    return uses


def quota_in_use(emulator: Emulator) -> Iterator[Use]:
    """What the nodes of all clusters hold of the quota now."""
    return (use for _, use in nodes_in_use(emulator))


def _node_count(emulator: Emulator, document: dict[str, Any]) -> int:
    """The least it keeps, or as many as run jobs; none before it has succeeded."""
    if document["properties"]["provisioningState"] != "Succeeded":
        return 0
    least = int(document["properties"]["properties"]["scaleSettings"]["minNodeCount"])
    return max(least, emulator.jobs.nodes_in_use(document["name"]))


async def _get(call: Call) -> Response:
    document = call.emulator.store.get("compute", call.params["name"])
    return reply(_shown(call, document)) if document else empty(404)


def _shown(call: Call, document: dict[str, Any]) -> dict[str, Any]:
    """As GET answers now. With noise, the size's case flips from one read to the next, as it does on the service."""
    inner = document["properties"]["properties"]
    count = _node_count(call.emulator, document)
    running = call.emulator.jobs.nodes_in_use(document["name"])
    inner["currentNodeCount"] = inner["targetNodeCount"] = count
    inner["nodeStateCounts"] = {**_ZERO_NODES, "runningNodeCount": running, "idleNodeCount": count - running}
    if call.emulator.noise and random.random() < 0.5:
        inner["vmSize"] = inner["vmSize"].upper()
    return document


async def _list(call: Call) -> Response:
    return page(call, [_shown(call, document) for document in call.emulator.store.list("compute")])


async def _patch(call: Call) -> Response:
    """Scale settings in place; everything else of a cluster is changed by PUT."""
    document = _existing(call)
    body = await lenient_object(call, "Compute")
    asked = (body.get("properties") or {}).get("properties") or body.get("properties") or {}
    scale = {**document["properties"]["properties"]["scaleSettings"], **(asked.get("scaleSettings") or {})}
    _check_scale(scale)
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


def finish_delete(emulator: Emulator, operation: Operation) -> None:
    """Ends a delete: name and quota are free only now. One that fails leaves a failed record, which holds them."""
    try:
        operation.fail_if_asked()
    except ServiceError:
        if document := emulator.store.get("compute", *operation.resource):
            document["properties"]["provisioningState"] = "Failed"
            emulator.store.put("compute", *operation.resource, body=document)
        raise
    emulator.store.delete("compute", *operation.resource)


async def _list_nodes(call: Call) -> Response:
    document = _existing(call)
    count, running = _node_count(call.emulator, document), call.emulator.jobs.nodes_in_use(document["name"])
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
)

FINISHERS = {
    "compute.written": finish_write,
    "compute.deleted": finish_delete,
}
