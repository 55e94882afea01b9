"""Online deployments: documents as recorded, containers behind them, logs."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from starlette.responses import Response

from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import reply, timestamp
from phift.emulator.core.listing import page
from phift.emulator.core.operations import RESULT
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_members, check_tags, strict_object
from phift.emulator.runtime.serving.supervisor import INITIALIZER_LOG, SERVER_LOG, log_folder
from phift.emulator.services.deployments.changes import (
    MOVING,
    TIMEOUT,
    begin_change,
    begin_scaling,
    check_may_change,
)
from phift.emulator.services.deployments.documents import shown_to, written
from phift.emulator.services.deployments.quota import check_quota
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.endpoints.rules import busy, check_name, not_created, not_found, refusal
from phift.emulator.services.endpoints.state import DEPLOYMENT, ENDPOINT, deployments_of, never_created
from phift.emulator.services.endpoints.traffic import in_force, mirror_in_force

__all__ = ["ROUTES"]

_MAX_DEPLOYMENTS = 20
_TAIL_LINES = 5000
_MAX_LOG_BYTES = 4 * 1024 * 1024


async def _put(call: Call) -> Response:
    emulator, endpoint, name = call.emulator, call.params["endpoint"], call.params["name"]
    body = await strict_object(call, "OnlineDeployment")
    check_name(name, "Deployment")
    parent = _parent(emulator, endpoint)
    record = emulator.store.get(DEPLOYMENT, endpoint, name)
    old = record["document"] if record else None
    if record and old:
        check_may_change(emulator, record, old)
    elif len(deployments_of(emulator.store, endpoint)) >= _MAX_DEPLOYMENTS:
        raise refusal({"": f"An endpoint has at most {_MAX_DEPLOYMENTS} deployments."})
    document = written(emulator, parent["name"], old["name"] if old else name, body, old)
    check_quota(emulator, document, old, total=False)
    operation = begin_change(emulator, parent["name"], document, record, call.api_version)
    shown = shown_to(call, _existing(call))
    if record:  # recorded 2025-02
        shown["properties"] |= {"provisioningState": "Creating", "instanceType": None}
        shown["systemData"] = {"lastModifiedAt": shown["systemData"]["lastModifiedAt"]}
    return reply(shown, 201, operation.headers)


def _parent(emulator: Emulator, endpoint: str) -> dict[str, Any]:
    """The endpoint's document; raises for one that is missing, not created or going away (texts: field reports)."""
    parent = emulator.store.get(ENDPOINT, endpoint)
    if parent is None:
        raise not_found("OnlineEndpoint", endpoint)
    document: dict[str, Any] = parent["document"]
    state = document["properties"]["provisioningState"]
    if never_created(parent):
        raise refusal({"": not_created(document["name"])}, code="InferencingClientCreateDeploymentFailed")
    if state in ("Creating", "Deleting"):
        text = (
            "This endpoint has not been created successfully or is in deleting provisioning state. Please recreate "
            "endpoint and then try again to create deployment."
        )
        raise refusal({"": text}, code="InferencingClientCreateDeploymentFailed")
    return document


async def _get(call: Call) -> Response:
    return reply(shown_to(call, _existing(call)))


async def _list(call: Call) -> Response:
    endpoint = call.params["endpoint"]
    if call.emulator.store.get(ENDPOINT, endpoint) is None:
        raise not_found("OnlineEndpoint", endpoint)
    records = deployments_of(call.emulator.store, endpoint)
    if call.query("orderBy").lower().endswith("desc"):
        records.reverse()
    return page(call, [shown_to(call, record) for record in records])


def _existing(call: Call) -> dict[str, Any]:
    endpoint, name = call.params["endpoint"], call.params["name"]
    if call.emulator.store.get(ENDPOINT, endpoint) is None:
        raise not_found("OnlineEndpoint", endpoint)
    record = call.emulator.store.get(DEPLOYMENT, endpoint, name)
    if record is None:
        raise not_found("OnlineDeployment", name)
    return record


async def _patch(call: Call) -> Response:
    """Tags, all of them, at once; the number of instances as an operation (assumed: patches_are_done_at_once)."""
    emulator, endpoint = call.emulator, call.params["endpoint"]
    record = _existing(call)
    body = await strict_object(call, "OnlineDeployment")
    document = copy.deepcopy(record["document"])
    if document["properties"]["provisioningState"] == "Deleting":
        raise busy(emulator.store, "Deployment", document["name"], "Deleting")
    if "tags" in body:
        document["tags"] = check_tags(body["tags"])
        document["systemData"]["lastModifiedAt"] = timestamp()
    capacity = (body.get("sku") or {}).get("capacity")
    if capacity is None or capacity == document["sku"]["capacity"]:
        emulator.store.put(DEPLOYMENT, endpoint, document["name"], body={**record, "document": document})
        return reply(shown_to(call, {**record, "document": document}))
    _parent(emulator, endpoint)
    operation = begin_scaling(emulator, endpoint, record, document, capacity, call.api_version)
    return reply(shown_to(call, _existing(call)), 202, operation.headers)


async def _delete(call: Call) -> Response:
    """202 and null as for endpoints; refused while live traffic goes to it (assumed: traffic_texts)."""
    emulator, endpoint, name = call.emulator, call.params["endpoint"], call.params["name"]
    parent, record = emulator.store.get(ENDPOINT, endpoint), emulator.store.get(DEPLOYMENT, endpoint, name)
    if parent is None or record is None:
        return Response(status_code=204)
    document = record["document"]
    state = document["properties"]["provisioningState"]
    if state == "Deleting" and (running := emulator.operations.running(DEPLOYMENT, endpoint, name)):
        return reply(None, 202, running.headers)
    if state in MOVING:
        raise busy(emulator.store, "Deployment", document["name"], state)
    live = {**in_force(parent), **parent["document"]["properties"]["traffic"]}
    share = next((live[key] for key in live if key.casefold() == name.casefold()), 0)
    if share:
        text = (
            f"Cannot delete deployment '{document['name']}': it has {share} % of the live traffic of endpoint "
            f"'{parent['document']['name']}'. Set its traffic to 0 first."
        )
        raise refusal({"": text})
    mirrored = {**mirror_in_force(parent), **parent["document"]["properties"]["mirrorTraffic"]}
    copied = next((mirrored[key] for key in mirrored if key.casefold() == name.casefold()), 0)
    if copied and not holds(emulator.store, "mirrored_deployment_is_deleted"):
        text = (
            f"Cannot delete deployment '{document['name']}': {copied} % of the traffic of endpoint "
            f"'{parent['document']['name']}' is mirrored to it. Set its mirrored traffic to 0 first."
        )
        raise refusal({"": text})
    document["properties"]["provisioningState"] = "Deleting"
    with emulator.store.transaction():
        operation = emulator.operations.start(
            DEPLOYMENT,
            (parent["document"]["name"], document["name"]),
            finish="deployment.deleted",
            location=RESULT,
            timeout=TIMEOUT,
            api_version=call.api_version,
            seconds=emulator.pace.seconds(ENDPOINT),
        )
        emulator.store.put(DEPLOYMENT, endpoint, name, body=record)
    return reply(None, 202, operation.headers)


async def _get_logs(call: Call) -> Response:
    """The last lines of the container's log, or of the storage initializer's."""
    record = _existing(call)
    body = await call.object(needed=False)
    check_members(call, body, "LogsRequest")
    document = record["document"]
    if document["properties"]["provisioningState"] in ("Creating", "Deleting"):
        return reply({"content": "Deployment is in deleting or creating state so logs can't be retrieved."})
    lines = body.get("tail")
    count = lines if isinstance(lines, int) and lines > 0 else _TAIL_LINES
    kind = str(body.get("containerType") or "InferenceServer").replace("-", "").lower()
    file = INITIALIZER_LOG if kind == "storageinitializer" else SERVER_LOG
    path = log_folder(call.emulator, call.params["endpoint"], document["name"]) / file
    return reply({"content": _tail(path, count)})


def _tail(path: Path, lines: int) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _MAX_LOG_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return "".join(text.splitlines(keepends=True)[-lines:])


_DEPLOYMENTS = WS + "/onlineEndpoints/{endpoint}/deployments"
_DEPLOYMENT = _DEPLOYMENTS + "/{name}"

ROUTES = (
    Route(Host.ARM, "GET", _DEPLOYMENTS, _list),
    Route(Host.ARM, "GET", _DEPLOYMENT, _get),
    Route(Host.ARM, "PUT", _DEPLOYMENT, _put),
    Route(Host.ARM, "PATCH", _DEPLOYMENT, _patch),
    Route(Host.ARM, "DELETE", _DEPLOYMENT, _delete),
    Route(Host.ARM, "POST", _DEPLOYMENT + "/getLogs", _get_logs),
)
