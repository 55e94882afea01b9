"""Resource groups, and the resources that a workspace is created with."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import empty, reply
from phift.emulator.core.errors import GatewayError, ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.routing import SUBSCRIPTION, Host, Route
from phift.emulator.core.validation import check_tags, lenient_object
from phift.emulator.services.emulator import Call
from phift.emulator.services.workspace.documents import document
from phift.emulator.services.workspace.rules import existing_group, region
from phift.emulator.services.workspace.state import find_group, groups, put_group, records

__all__ = ["GROUP_ROUTES"]

_DEPENDENT = {
    "Microsoft.Storage/storageAccounts": "storageAccount",
    "Microsoft.KeyVault/vaults": "keyVault",
    "Microsoft.Insights/components": "applicationInsights",
    "Microsoft.ContainerRegistry/registries": "containerRegistry",
}
"""The resource types a workspace is made of, by the property that has the id."""


def _document(call: Call, group: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{call.emulator.workspace.subscription_id}/resourceGroups/{group['name']}",
        "name": group["name"],
        "type": "Microsoft.Resources/resourceGroups",
        "location": group["location"],
        "tags": group["tags"],
        "properties": {"provisioningState": "Succeeded"},
    }


async def _get(call: Call) -> Response:
    return reply(_document(call, existing_group(call.emulator.cloud, call.params["group"])))


async def _exists(call: Call) -> Response:
    """204 or 404, as Resource Manager answers HEAD."""
    found = find_group(call.emulator.cloud, call.params["group"])
    return Response(status_code=204 if found else 404)


async def _list(call: Call) -> Response:
    return page(call, (_document(call, each) for each in groups(call.emulator.cloud)))


async def _put(call: Call) -> Response:
    """Create a group or replace its tags; its location stays."""
    body, name = await lenient_object(call, "ResourceGroup"), call.params["group"]
    location = region(body.get("location"), "Microsoft.Resources/resourceGroups")
    existing = find_group(call.emulator.cloud, name)
    if existing and existing["location"] != location:
        text = (
            f"Invalid resource group location '{location}'. The Resource group already exists in location "
            f"'{existing['location']}'."
        )
        raise ServiceError(409, "InvalidResourceGroupLocation", text)
    put_group(call.emulator.cloud, existing["name"] if existing else name, location, check_tags(body.get("tags")))
    return reply(_document(call, existing_group(call.emulator.cloud, name)), 200 if existing else 201)


def _resource(call: Call) -> dict[str, Any] | None:
    """The document of a resource that a workspace names."""
    _, _, rest = call.request.url.path.partition("/providers/")
    kind = next(kind for kind in _DEPENDENT if rest.casefold().startswith(kind.casefold() + "/"))
    for record in records(call.emulator.cloud):
        found = str(document(record)["properties"][_DEPENDENT[kind]])
        if found.casefold() == call.request.url.path.casefold():
            location = record.workspace.location
            return {"id": found, "name": found.rpartition("/")[2], "type": kind, "location": location, "properties": {}}
    return None


async def _get_resource(call: Call) -> Response:
    found = _resource(call)
    if found is None:
        group = existing_group(call.emulator.cloud, call.params["group"])["name"]
        text = f"The Resource '{call.params['name']}' under resource group '{group}' was not found."
        raise GatewayError(404, "ResourceNotFound", text)
    return reply(found)


async def _delete_resource(call: Call) -> Response:
    """Accepted, as the deletes that precede that of a workspace: what it holds goes with the workspace."""
    return empty(200) if _resource(call) else empty(204)


_GROUPS = SUBSCRIPTION + "/resourceGroups"
_GROUP = _GROUPS + "/{group}"

GROUP_ROUTES = (
    Route(Host.ARM, "GET", _GROUPS, _list),
    Route(Host.ARM, "GET", _GROUP, _get),
    Route(Host.ARM, "HEAD", _GROUP, _exists),
    Route(Host.ARM, "PUT", _GROUP, _put),
    *(
        Route(Host.ARM, method, f"{_GROUP}/providers/{kind}/{{name}}", handler)
        for kind in _DEPENDENT
        for method, handler in (("GET", _get_resource), ("DELETE", _delete_resource))
    ),
)
