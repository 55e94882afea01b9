"""The permissions of the caller at a scope, and the admin request that assigns roles."""

from __future__ import annotations

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.roles import built_in
from phift.emulator.core.routing import SUBSCRIPTION, WS, Host, Route
from phift.emulator.services.emulator import Call

__all__ = ["ROUTES"]

_SUFFIX = "/providers/Microsoft.Authorization/permissions"
_GROUP = SUBSCRIPTION + "/resourceGroups/{rg}"


async def _permissions(call: Call) -> Response:
    """One entry a role, as if all were assigned to the subscription: every scope inherits them."""
    return reply({"value": call.emulator.roles.permissions})


async def _roles(call: Call) -> Response:
    roles = call.emulator.roles
    return reply({"roles": roles.assigned, "permissions": roles.permissions, "builtIn": list(built_in())})


async def _assign(call: Call) -> Response:
    """{"roles": [names of built-in roles, or objects with actions, notActions, dataActions, notDataActions]}."""
    body = await call.object()
    if set(body) != {"roles"}:
        raise ServiceError(400, "RequestInvalid", "The request needs roles, and nothing else.")
    try:
        call.emulator.roles.assign(body["roles"])
    except ValueError as error:
        raise ServiceError(400, "RequestInvalid", f"{error}.") from error
    return await _roles(call)


_SCOPES = (
    SUBSCRIPTION,
    _GROUP,
    _GROUP + "/providers/{namespace}/{type}/{name}",
    _GROUP + "/providers/{namespace}/{type}/{name}/{type2}/{name2}",
    WS,
    WS + "/{type}/{name}",
    WS + "/{type}/{name}/{type2}/{name2}",
)

ROUTES = (
    *(Route(Host.ARM, "GET", scope + _SUFFIX, _permissions) for scope in _SCOPES),
    Route(Host.ADMIN, "GET", "/roles", _roles),
    Route(Host.ADMIN, "PUT", "/roles", _assign),
)
