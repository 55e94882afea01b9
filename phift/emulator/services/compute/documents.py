"""Documents of clusters: stored in the shape of GET, and as PUT answers."""

from __future__ import annotations

import copy
import random
from typing import Any

from phift.emulator.core.documents import timestamp
from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.core.validation import check_tags
from phift.emulator.services.compute.identities import identity_of
from phift.emulator.services.compute.rules import (
    check_credentials,
    check_network,
    check_scale,
    credentials_of,
    size_of,
    unchanged,
)
from phift.emulator.services.compute.state import node_count
from phift.emulator.services.emulator import Call

__all__ = ["put_reply", "shown_to", "written"]

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
_OTHER_TYPES = frozenset(
    (
        *("AKS", "ComputeInstance", "DataFactory", "DataLakeAnalytics", "Databricks", "HDInsight", "Kubernetes"),
        *("SynapseSpark", "VirtualMachine"),
    )
)
"""Types of computes that the service has next to AmlCompute."""
_PRIORITIES = {"dedicated": "Dedicated", "lowpriority": "LowPriority"}


def written(call: Call, body: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
    """The stored document: GET's shape, from the request and what there was."""
    outer = body.get("properties")
    if not isinstance(outer, dict) or not isinstance(outer.get("properties"), dict):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: 'properties.properties' is missing.")
    if outer.get("computeType") != "AmlCompute":
        raise _other_type(outer.get("computeType"))
    check_scale(outer["properties"].get("scaleSettings") or {})
    inner = unchanged(call.emulator, body, existing)
    check_network(inner)
    if inner is outer["properties"]:
        check_credentials(inner)
    size = size_of(call.emulator, str(inner.get("vmSize", "")))
    now = timestamp()
    old = existing["properties"] if existing else {}
    location = str(body.get("location") or (existing or {}).get("location") or call.emulator.workspace.location)
    location = location.replace(" ", "").lower()
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
    if credentials := credentials_of(inner):
        properties["userAccountCredentials"] = credentials
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
    if identity := identity_of(call.emulator, body.get("identity"), (existing or {}).get("identity")):
        document["identity"] = identity
    return document


def _other_type(kind: Any) -> ServiceError:
    if kind in _OTHER_TYPES:
        return not_supported(f"Computes of type {kind} are")
    message = f"The value {kind!r} of property 'computeType' is invalid."
    return ServiceError(400, "InvalidPropertyValue", message, target="computeType")


def _login_access(asked: Any) -> str:
    """NotSpecified turns into Disabled; only an explicit Enabled opens the port."""
    return "Enabled" if asked == "Enabled" else "Disabled"


def put_reply(document: dict[str, Any], body: dict[str, Any], *, live: bool) -> dict[str, Any]:
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


def shown_to(call: Call, document: dict[str, Any]) -> dict[str, Any]:
    """As GET answers now. With noise, the size's case flips from one read to the next, as it does on the service."""
    inner = document["properties"]["properties"]
    count = node_count(call.emulator, document)
    running = call.emulator.jobs.nodes_in_use(document["name"])
    inner["currentNodeCount"] = inner["targetNodeCount"] = count
    inner["nodeStateCounts"] = {**_ZERO_NODES, "runningNodeCount": running, "idleNodeCount": count - running}
    if call.emulator.cloud.noise and random.random() < 0.5:
        inner["vmSize"] = inner["vmSize"].upper()
    return document
