"""Online endpoints: documents as recorded, keys and tokens, traffic that takes effect when its operation ends."""

from __future__ import annotations

import secrets
import time
from typing import Any

from starlette.responses import Response

from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import empty, reply, timestamp
from phift.emulator.core.listing import has_all, page
from phift.emulator.core.operations import RESULT, Operation
from phift.emulator.core.pace import listed
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_tags, strict_object
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.endpoints.documents import shown_to, states_of, update_reply, written
from phift.emulator.services.endpoints.rules import busy, check_name, not_created, not_found, refusal
from phift.emulator.services.endpoints.state import (
    DEPLOYMENT,
    ENDPOINT,
    deployments_of,
    endpoint_id,
    name_is_taken,
    never_created,
    stranger_holds,
)
from phift.emulator.services.endpoints.traffic import check_mirror, check_traffic, in_force, mirror_in_force

__all__ = ["ROUTES", "token_audience"]

_TIMEOUT = "PT30M"
_TOKEN_SECONDS, _REFRESH_SECONDS = 24 * 3600, 12 * 3600  # recorded 2026-03
_MAX_ENDPOINTS = 100
_NAME_TAKEN = (
    "There is already an endpoint with this name, Endpoint name needs to be unique within a region. Try some other "
    "name."
)


async def _put(call: Call) -> Response:
    emulator, name = call.emulator, call.params["name"]
    body = await strict_object(call, "OnlineEndpoint")
    check_name(name, "Endpoint")
    record = emulator.store.get(ENDPOINT, name)
    state = record["document"]["properties"]["provisioningState"] if record else ""
    if state == "Deleting" or (record is None and name_is_taken(emulator, name)):
        raise refusal({"": _NAME_TAKEN})
    if state in ("Creating", "Updating"):
        raise busy(emulator.store, "Endpoint", name, state)
    if record is None and _endpoints_of_region(emulator) >= _MAX_ENDPOINTS:
        raise refusal({"": f"The limit of {_MAX_ENDPOINTS} endpoints in a subscription and region is reached."})
    document = written(call, body, record["document"] if record else None)
    # (assumed: failed_endpoint_is_put_again)
    creating = record is None or never_created(record)
    if record and creating and not holds(emulator.store, "failed_endpoint_is_put_again"):
        raise refusal({"": not_created(record["document"]["name"])})
    document["properties"]["provisioningState"] = "Creating" if creating else "Updating"
    with emulator.store.transaction():
        operation = _start(call, document["name"], finish="endpoint.written")
        emulator.store.put(
            ENDPOINT,
            name,
            body={
                "document": document,
                "keys": record["keys"] if record else {"primary": _new_key(), "secondary": _new_key()},
                "operation": operation.name,
                "routed": in_force(record) if record else {},
                "mirrored": mirror_in_force(record) if record else {},
            },
        )
    answer = shown_to(call, _existing(call))
    return reply(answer if creating else update_reply(answer), 201, operation.headers)


def _start(call: Call, name: str, *, finish: str, location: str = "", data: dict[str, Any] | None = None) -> Operation:
    url = f"https://management.azure.com{endpoint_id(call.emulator, name)}?api-version={call.api_version}"
    return call.emulator.operations.start(
        ENDPOINT,
        name,
        finish=finish,
        location=location or url,
        timeout=_TIMEOUT,
        api_version=call.api_version,
        data=data,
    )


async def _get(call: Call) -> Response:
    return reply(shown_to(call, _existing(call)))


async def _list(call: Call) -> Response:
    """Filters as documented: name, tags, properties, computeType (all are Managed); orderBy and pages."""
    records = call.emulator.store.list(ENDPOINT)
    if call.query("orderBy").lower().endswith("desc"):
        records.reverse()
    documents = (shown_to(call, record) for record in records)
    name, kind = call.query("name").casefold(), call.query("computeType").casefold()
    return page(
        call,
        (
            each
            for each in listed(call.emulator.pace, documents)
            if name in ("", each["name"].casefold())
            and kind in ("", each["kind"].casefold())
            and has_all(each["tags"], call.query("tags"))
            and has_all(each["properties"]["properties"], call.query("properties"))
        ),
    )


def _existing(call: Call) -> dict[str, Any]:
    record = call.emulator.store.get(ENDPOINT, call.params["name"])
    if record is None:
        raise not_found("OnlineEndpoint", call.params["name"])
    return record


async def _patch(call: Call) -> Response:
    """Tags, all of them, at once; traffic and mirrored traffic as an operation (assumed: patches_are_done_at_once)."""
    emulator = call.emulator
    record = _existing(call)
    body = await strict_object(call, "OnlineEndpoint")
    document = record["document"]
    name, state = document["name"], document["properties"]["provisioningState"]
    sent = {key: value for key, value in (body.get("properties") or {}).items() if key in ("traffic", "mirrorTraffic")}
    if state == "Deleting" or (sent and state in ("Creating", "Updating")):
        raise busy(emulator.store, "Endpoint", name, state)
    if sent:
        wanted = {**document["properties"], **sent}
        states = states_of(emulator, name)
        traffic = check_traffic(wanted["traffic"], states)
        mirror = check_mirror(wanted["mirrorTraffic"], traffic, states)
        document["properties"] |= {"traffic": traffic, "mirrorTraffic": mirror, "provisioningState": "Updating"}
    if "tags" in body:
        document["tags"] = check_tags(body["tags"])
    if sent or "tags" in body:
        document["systemData"]["lastModifiedAt"] = timestamp()
    with emulator.store.transaction():
        operation = _start(call, name, finish="endpoint.written") if sent else None
        record["operation"] = operation.name if operation else record["operation"]
        emulator.store.put(ENDPOINT, name, body=record)
    answer = shown_to(call, record)
    return reply(answer, 202, operation.headers) if operation else reply(answer)


async def _delete(call: Call) -> Response:
    """202 with the body null (recorded 2026-03), also while deployments hold traffic; 204 for what is not there."""
    emulator, name = call.emulator, call.params["name"]
    record = emulator.store.get(ENDPOINT, name)
    if record is None:
        return Response(status_code=204)
    running = emulator.operations.running(ENDPOINT, name)
    if running and record["document"]["properties"]["provisioningState"] == "Deleting":
        return reply(None, 202, running.headers)
    if running:
        emulator.operations.cancel(running.name)
    record["document"]["properties"]["provisioningState"] = "Deleting"
    deployments = deployments_of(emulator.store, name)
    for each in deployments:
        if operation := emulator.operations.running(DEPLOYMENT, name, each["document"]["name"]):
            emulator.operations.cancel(operation.name)
    with emulator.store.transaction():
        operation = _start(call, record["document"]["name"], finish="endpoint.deleted", location=RESULT)
        emulator.store.put(
            ENDPOINT, name, body={**record, "operation": operation.name, "routed": {}, "mirrored": {}, "reroute": None}
        )
        for each in deployments:
            each["document"]["properties"]["provisioningState"] = "Deleting"
            emulator.store.put(DEPLOYMENT, name, each["document"]["name"], body=each)
    return reply(None, 202, operation.headers)


# credentials


def _new_key() -> str:
    return secrets.token_urlsafe(24)


async def _list_keys(call: Call) -> Response:
    record = _existing(call)
    _check_mode(record, "Key")
    return reply({"primaryKey": record["keys"]["primary"], "secondaryKey": record["keys"]["secondary"]})


def _check_mode(record: dict[str, Any], wanted: str) -> None:
    mode = record["document"]["properties"]["authMode"]
    if mode != wanted:
        text = f"Endpoint {record['document']['name']} has authMode {mode}; this needs {wanted}."
        raise refusal({"AuthMode": text})


async def _regenerate_keys(call: Call) -> Response:
    """One key is replaced when the operation ends, the other stays good (assumed: regenerated_key_is_random)."""
    record = _existing(call)
    _check_mode(record, "Key")
    asked = await strict_object(call, "RegenerateKeysRequest")
    which = str(asked.get("keyType", "")).lower()
    if which not in ("primary", "secondary"):
        raise refusal({"KeyType": "KeyType must be Primary or Secondary."})
    name = record["document"]["name"]
    given = "" if holds(call.emulator.store, "regenerated_key_is_random") else str(asked.get("keyValue") or "")
    data = {"which": which, "key": given or _new_key()}
    operation = _start(call, name, finish="endpoint.key_regenerated", location=RESULT, data=data)
    return empty(202, operation.headers)


def token_audience(emulator: Emulator, name: str) -> str:
    """Whom an endpoint's own tokens are meant for: this endpoint and no other."""
    return f"https://{name.lower()}.{emulator.workspace.location}.inference.ml.azure.com"


async def _token(call: Call) -> Response:
    """Of AMLToken endpoints (recorded 2026-03); those of AADToken endpoints come from Microsoft Entra."""
    record = _existing(call)
    _check_mode(record, "AMLToken")
    audience = token_audience(call.emulator, record["document"]["name"])
    now = int(time.time())
    return reply(
        {
            "accessToken": call.emulator.tokens.mint(audience, call.emulator.cloud.client_id, seconds=_TOKEN_SECONDS),
            "tokenType": "Bearer",
            "expiryTimeUtc": now + _TOKEN_SECONDS,
            "refreshAfterTimeUtc": now + _REFRESH_SECONDS,
        }
    )


def _endpoints_of_region(emulator: Emulator) -> int:
    region = emulator.cloud.workspaces(emulator.workspace.location)
    return sum(len(each.store.list(ENDPOINT)) for each in region)


async def _hold_name(call: Call) -> Response:
    """As if another tenant of the region had the name."""
    stranger_holds(call.emulator.store, call.params["name"], held=True)
    return empty(204)


async def _free_name(call: Call) -> Response:
    stranger_holds(call.emulator.store, call.params["name"], held=False)
    return empty(204)


_ENDPOINT = WS + "/onlineEndpoints/{name}"

ROUTES = (
    Route(Host.ARM, "GET", WS + "/onlineEndpoints", _list),
    Route(Host.ARM, "GET", _ENDPOINT, _get),
    Route(Host.ARM, "PUT", _ENDPOINT, _put),
    Route(Host.ARM, "PATCH", _ENDPOINT, _patch),
    Route(Host.ARM, "DELETE", _ENDPOINT, _delete),
    Route(Host.ARM, "POST", _ENDPOINT + "/listKeys", _list_keys),
    Route(Host.ARM, "POST", _ENDPOINT + "/regenerateKeys", _regenerate_keys),
    Route(Host.ARM, "POST", _ENDPOINT + "/token", _token),
    Route(Host.ADMIN, "PUT", "/endpointNames/{name}", _hold_name),
    Route(Host.ADMIN, "DELETE", "/endpointNames/{name}", _free_name),
)
