"""What happens to every request on its way to a handler and back, one concern at a time.

A middleware takes the exchange and the next middleware, and returns the response. `MIDDLEWARE` lists them from the
outermost to the innermost; the innermost one calls the handler.
"""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from phift.emulator.core import apiversions
from phift.emulator.core.actions import action_of, scope_of
from phift.emulator.core.context import Context
from phift.emulator.core.errors import (
    GatewayError,
    ServiceError,
    arm_error,
    blob_error,
    data_plane_error,
    gateway_error,
    login_error,
)
from phift.emulator.core.faults import Fault
from phift.emulator.core.limits import MAX_HEADER_BYTES, limited
from phift.emulator.core.noise import noisy
from phift.emulator.core.operations import fails_later
from phift.emulator.core.routing import Call, Host, Route, Router
from phift.emulator.core.store import corruption
from phift.emulator.core.tokens import TokenError

__all__ = ["MIDDLEWARE", "Exchange", "Middleware", "Next", "chain"]

logger = logging.getLogger("phift.emulator")

_AUDIENCES = {
    Host.ARM: frozenset({"https://management.azure.com", "https://management.core.windows.net"}),
    Host.DATA_PLANE: frozenset(
        {"https://management.azure.com", "https://management.core.windows.net", "https://ml.azure.com"}
    ),
    Host.BLOB: frozenset({"https://storage.azure.com"}),
    Host.INFERENCE: frozenset({"https://ml.azure.com"}),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WORKSPACE_PARAMETERS = ("sub", "rg", "ws")
_REGIONAL_HOSTS = frozenset({"api.azureml.ms", "experiments.azureml.net", "modelmanagement.azureml.net", "aether.ms"})


@dataclass
class Exchange:
    """One request and what is known of it.

    context: of the workspace in the path, from `workspace` inwards, and of the home's own before. kind: the part
    of Azure that was asked, None for a host that is not served. fault: the one it meets. found: the route and the call
    that its handler gets, from `route` inwards.
    """

    context: Context
    router: Router
    kind: Host | None
    hostname: str
    request: Request
    fault: Fault | None = None
    found: tuple[Route, Call[Any]] | None = None

    @property
    def routed(self) -> tuple[Route, Call[Any]]:
        """The route and the call. Raises LookupError outside of `route`."""
        if self.found is None:
            raise LookupError("no route has been looked for yet")
        return self.found

    def envelope(self, error: ServiceError) -> Response:
        """The error in the envelope of the requested host."""
        if self.kind is Host.BLOB:
            return blob_error(error, head=self.request.method == "HEAD")
        if self.kind is Host.LOGIN:
            return login_error(error)
        location = self.context.workspace.location
        path = self.request.scope["path"]
        if self.kind is Host.DATA_PLANE and not path.startswith("/mferp/"):  # the front end speaks ARM
            return data_plane_error(error, location=location)
        if self.kind is Host.ARM and isinstance(error, GatewayError):
            return gateway_error(error)
        return arm_error(error, location=location)


Next = Callable[[Exchange], Awaitable[Response]]


class Middleware(Protocol):
    """One concern. proceed: what is inside it."""

    def __call__(self, exchange: Exchange, proceed: Next) -> Awaitable[Response]: ...


async def fault(exchange: Exchange, proceed: Next) -> Response:
    """Injected faults: instead of the response, before it, after it, or in the operation that the request starts."""
    request = exchange.request
    exchange.fault = struck = exchange.context.cloud.faults.strike(
        request.method, exchange.hostname, request.scope["path"], request.scope["query_string"].decode("latin-1")
    )
    fails_later.set(struck.words if struck and struck.later else None)
    if struck is None:
        return await proceed(exchange)
    if not struck.after and (answer := await _strike(struck, exchange)):
        return answer
    response = await proceed(exchange)
    if struck.after and (answer := await _strike(struck, exchange)):
        return answer
    return struck.as_first_answered(str(request.url), response) if struck.stale else response


async def _strike(struck: Fault, exchange: Exchange) -> Response | None:
    """Apply a fault; return its response, None when it only delays."""
    await struck.wait()
    if struck.kill:
        os.kill(os.getpid(), signal.SIGKILL)
    if struck.drop:
        exchange.request.scope["state"]["connection"].abort()
        return _NoAnswer()
    return exchange.envelope(struck.error) if struck.status else None


class _NoAnswer(Response):
    """Nothing is sent: the connection is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        return


async def noise(exchange: Exchange, proceed: Next) -> Response:
    """Add unknown fields and change the order in responses of the resource manager, if noise is on."""
    response = await proceed(exchange)
    if exchange.fault and exchange.fault.stale:
        return response  # which is repeated unchanged to later requests
    if exchange.context.cloud.noise and exchange.kind is Host.ARM and exchange.request.method == "GET":
        return noisy(exchange.request.scope["path"], response)
    return response


async def errors(exchange: Exchange, proceed: Next) -> Response:
    """Turn errors into documents: a ServiceError with its own words, a bug or a corrupt store as 500."""
    request = exchange.request
    try:
        return await proceed(exchange)
    except ServiceError as error:
        return exchange.envelope(error)
    except ClientDisconnect:
        raise
    except Exception as error:
        logger.exception("%s %s%s failed", request.method, request.url.hostname, request.scope["path"])
        message = f"The emulator failed: {type(error).__name__}: {error}"
        if why := corruption(error):
            message = f"The store of the emulator is corrupt: {why}. Reset it: phift emulator reset --yes"
        return exchange.envelope(ServiceError(500, "InternalServerError", message))


async def limit(exchange: Exchange, proceed: Next) -> Response:
    """Reject headers and bodies that are too large."""
    request = exchange.request
    if sum(len(name) + len(value) for name, value in request.scope["headers"]) > MAX_HEADER_BYTES:
        raise ServiceError(431, "RequestHeaderFieldsTooLarge", "The headers are larger than 64 KiB.")
    exchange.request = Request(request.scope, limited(exchange.kind, request.receive))
    return await proceed(exchange)


async def route(exchange: Exchange, proceed: Next) -> Response:
    """Find the handler by host, method and path."""
    kind, request = exchange.kind, exchange.request
    if kind is None:
        raise ServiceError(421, "MisdirectedRequest", f"{request.url.hostname} is not served here.")
    raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
    found, params = exchange.router.match(kind, request.method, raw_path.decode("ascii").split("?")[0])
    exchange.found = found, Call(exchange.context, request, params)
    return await proceed(exchange)


async def authenticate(exchange: Exchange, proceed: Next) -> Response:
    """Require a bearer token, except on public routes and for admin requests, which carry the home's secret."""
    found, call = exchange.routed
    if not found.public and exchange.kind is not Host.ADMIN:
        call.claims = _claims(exchange)
    return await proceed(exchange)


def _claims(exchange: Exchange) -> dict[str, Any]:
    scheme, _, token = exchange.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise GatewayError(
            401,
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing or is not a bearer token.",
            headers={"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/"'},
        )
    try:
        return exchange.context.cloud.tokens.verify(token, _AUDIENCES.get(exchange.kind) if exchange.kind else None)
    except (TokenError, ValueError, KeyError) as error:
        code = "InvalidAuthenticationTokenAudience" if "meant for" in str(error) else "InvalidAuthenticationToken"
        raise GatewayError(
            401,
            code,
            f"The access token is invalid: {error}.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        ) from error


async def parameters(exchange: Exchange, proceed: Next) -> Response:
    """Reject control characters in the path, except in names of blobs."""
    if exchange.kind is not Host.BLOB and any(
        not value.isprintable() and _CONTROL.search(value) for value in exchange.routed[1].params.values()
    ):
        raise ServiceError(400, "InvalidRequestUri", "The request path contains control characters.")
    return await proceed(exchange)


async def version(exchange: Exchange, proceed: Next) -> Response:
    """Require a known api-version of requests to the resource manager."""
    if exchange.kind is Host.ARM:
        provider = exchange.request.scope["path"].casefold().rpartition("/providers/")[2]
        own = provider.startswith("microsoft.machinelearningservices/")
        apiversions.check(exchange.routed[1].api_version, own=own)
    return await proceed(exchange)


async def permit(exchange: Exchange, proceed: Next) -> Response:
    """Require the action that a request to the resource manager needs among those of the caller's roles."""
    if exchange.kind is Host.ARM:
        found, call = exchange.routed
        action = None if found.public else action_of(found.method, found.path)
        if action is not None and not exchange.context.roles.allows(action):
            client, identifier = call.claims.get("appid"), call.claims.get("oid")
            raise GatewayError(
                403,
                "AuthorizationFailed",
                f"The client '{client}' with object id '{identifier}' does not have authorization to perform action "
                f"'{action}' over scope '{scope_of(exchange.request.scope['path'])}' or the scope is invalid. If "
                "access was recently granted, please refresh your credentials.",
            )
    return await proceed(exchange)


async def workspace(exchange: Exchange, proceed: Next) -> Response:
    """Choose the context of the workspace, or else of the region, in the path; require one that is served."""
    cloud, (found, call) = exchange.context.cloud, exchange.routed
    if "ws" in call.params:
        context = cloud.workspace(*(call.params.get(name, "") for name in _WORKSPACE_PARAMETERS))
        if context is None or (exchange.kind is Host.DATA_PLANE and not _serves(context, exchange.hostname)):
            raise ServiceError(404, "UserError", "Workspace not found.", inner=("NotFound", "WorkspaceNotFound"))
    else:
        subscription = call.params.get("sub")
        if subscription and subscription.casefold() != cloud.first.workspace.subscription_id.casefold():
            raise GatewayError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
        context = next(cloud.workspaces(call.params["location"]), cloud.first) if "location" in call.params else None
    if context is not None and context is not call.emulator:
        exchange.context = context
        exchange.found = found, replace(call, emulator=context)
    return await proceed(exchange)


def _serves(context: Context, hostname: str) -> bool:
    """Whether a host of the data plane serves a workspace: those of its region, and those of no region."""
    region, _, rest = hostname.partition(".")
    return rest not in _REGIONAL_HOSTS or region == context.workspace.location


MIDDLEWARE: tuple[Middleware, ...] = (
    fault,
    noise,
    errors,
    limit,
    route,
    authenticate,
    parameters,
    version,
    permit,
    workspace,
)
"""From the outermost to the innermost. Around all of them, Application writes the request log and adds the common
headers."""


def chain(middleware: Sequence[Middleware]) -> Next:
    """The function that answers an exchange: each middleware around the next, the handler innermost."""
    answer: Next = _handle
    for each in reversed(middleware):
        answer = partial(each, proceed=answer)
    return answer


async def _handle(exchange: Exchange) -> Response:
    found, call = exchange.routed
    return await found.handler(call)
