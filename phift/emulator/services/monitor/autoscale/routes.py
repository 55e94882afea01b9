"""Autoscale settings of deployments (Microsoft.Insights), and the admin request that evaluates them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import empty, reply, system_data, touched
from phift.emulator.core.errors import GatewayError, ServiceError, not_supported
from phift.emulator.core.listing import page
from phift.emulator.core.routing import SUBSCRIPTION, Host, Route
from phift.emulator.core.validation import check_tags, lenient_object
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.services.emulator import Call
from phift.emulator.services.monitor.autoscale.engine import Autoscaler, shown
from phift.emulator.services.monitor.autoscale.rules import properties_of
from phift.emulator.services.monitor.autoscale.state import SETTING, resource_of, setting_id
from phift.emulator.services.workspace.rules import existing_group

__all__ = ["ROUTES"]

_MOST_NAME = 260


def _group(call: Call) -> str:
    """The resource group, in its own case. Raises ServiceError 404 for one that does not exist."""
    return str(existing_group(call.emulator.cloud, call.params["group"])["name"])


def _existing(call: Call) -> dict[str, Any]:
    group, name = _group(call), call.params["name"]
    record = call.emulator.cloud.store.get(SETTING, group, name)
    if record is None:
        text = (
            f"The Resource 'Microsoft.Insights/autoscaleSettings/{name}' under resource group '{group}' was not found. "
            "For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
        raise GatewayError(404, "ResourceNotFound", text)
    return record


async def _put(call: Call) -> Response:
    """201 for a new setting, 200 for one that was there; nothing is left of the old one but when it scaled last."""
    group, name, store = _group(call), call.params["name"], call.emulator.cloud.store
    body = await lenient_object(call, "AutoscaleSetting")
    if len(name) > _MOST_NAME or not name.isprintable():
        raise ServiceError(400, "BadRequest", f"The name of an autoscale setting has at most {_MOST_NAME} characters.")
    location = body.get("location")
    if not location:
        raise ServiceError(400, "LocationRequired", "The location property is required for this definition.")
    old = store.get(SETTING, group, name)
    document = _written(call, group, old["document"]["name"] if old else name, body, old)
    store.put(SETTING, group, name, body={"document": document, "group": group, "last": old["last"] if old else None})
    return reply(document, 200 if old else 201)


def _written(call: Call, group: str, name: str, body: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
    cloud = call.emulator.cloud
    identity = setting_id(cloud.first.workspace.subscription_id, group, name)
    properties = properties_of(name, body.get("properties") or {}, body["location"])
    target = resource_of(cloud, properties["targetResourceUri"])
    if target is None or not target.deployment:
        raise not_supported(
            "Autoscale settings of resources other than deployments of the emulator's own endpoints are"
        )
    for record in cloud.store.list(SETTING):
        other = record["document"]
        if other["id"].casefold() == identity.casefold():
            continue
        if target.same(resource_of(cloud, other["properties"]["targetResourceUri"])):
            text = f"The resource {properties['targetResourceUri']} has the autoscale setting {other['name']} already."
            raise ServiceError(409, "Conflict", text)
    return {
        "location": body["location"],
        "tags": check_tags(body.get("tags")),
        "properties": properties,
        "id": identity,
        "name": name,
        "type": "Microsoft.Insights/autoscaleSettings",
        "systemData": touched(old["document"]["systemData"]) if old else system_data(),
    }


async def _get(call: Call) -> Response:
    return reply(_existing(call)["document"])


async def _list_group(call: Call) -> Response:
    records = call.emulator.cloud.store.list(SETTING, _group(call))
    return page(call, [record["document"] for record in records])


async def _list(call: Call) -> Response:
    return page(call, [record["document"] for record in call.emulator.cloud.store.list(SETTING)])


async def _patch(call: Call) -> Response:
    """Tags, and properties that replace those of the same name."""
    record = _existing(call)
    body = await lenient_object(call, "AutoscaleSetting")
    document = record["document"]
    merged = {
        "location": document["location"],
        "tags": body.get("tags", document["tags"]),
        "properties": {**document["properties"], **(body.get("properties") or {})},
    }
    changed = _written(call, record["group"], document["name"], merged, record)
    call.emulator.cloud.store.put(SETTING, record["group"], document["name"], body={**record, "document": changed})
    return reply(changed)


async def _delete(call: Call) -> Response:
    """The deployment keeps the instances that it has."""
    return empty(200 if call.emulator.cloud.store.delete(SETTING, _group(call), call.params["name"]) else 204)


async def _evaluate(call: Call) -> Response:
    """Evaluate all settings now, or as if it were later: {"after": "PT10M"}."""
    body: dict[str, Any] = await call.object(needed=False)
    if unknown := sorted(set(body) - {"after"}):
        raise ServiceError(400, "RequestInvalid", f"Unknown member: {', '.join(unknown)}")
    try:
        later = seconds_of(str(body["after"])) if "after" in body else 0.0
    except ValueError as error:
        raise ServiceError(400, "RequestInvalid", f"after must be a duration: {error}") from error
    return reply({"value": [shown(each) for each in Autoscaler(call.emulator.cloud).evaluate(later)]})


_PROVIDER = "/providers/Microsoft.Insights/autoscaleSettings"
_SETTINGS = SUBSCRIPTION + "/resourceGroups/{group}" + _PROVIDER
_SETTING = _SETTINGS + "/{name}"

ROUTES = (
    Route(Host.ARM, "GET", SUBSCRIPTION + _PROVIDER, _list),
    Route(Host.ARM, "GET", _SETTINGS, _list_group),
    Route(Host.ARM, "GET", _SETTING, _get),
    Route(Host.ARM, "PUT", _SETTING, _put),
    Route(Host.ARM, "PATCH", _SETTING, _patch),
    Route(Host.ARM, "DELETE", _SETTING, _delete),
    Route(Host.ADMIN, "POST", "/autoscale", _evaluate),
)
