"""The application: which modules answer, and what happens to every request on its way to one and back."""

from __future__ import annotations

import importlib
import logging
import os
import re
import signal
import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from phift import __version__
from phift.emulator.core import apiversions
from phift.emulator.core.context import Emulator
from phift.emulator.core.errors import ServiceError, arm_error, blob_error, data_plane_error
from phift.emulator.core.faults import Fault
from phift.emulator.core.limits import MAX_HEADER_BYTES, RateLimits, limited
from phift.emulator.core.noise import noisy
from phift.emulator.core.operations import fails_later
from phift.emulator.core.routing import Call, Host, Route, Router, host_kind
from phift.emulator.core.store import corruption
from phift.emulator.core.tokens import TokenError

__all__ = ["HANDLERS", "Application"]

logger = logging.getLogger("phift.emulator")

HANDLERS = (
    "admin",
    "identity",
    "telemetry",
    "workspace",
    "compute",
    "assets",
    "registry",
    "datastores",
    "blob",
    "jobs",
    "runs",
    "mlflow",
    "endpoints",
    "deployments",
    "scoring",
)
"""Every module of handlers/ that answers: ROUTES, and `install(emulator)` where it adds recovery or stop hooks."""

_AUDIENCES = {
    Host.ARM: frozenset({"https://management.azure.com", "https://management.core.windows.net"}),
    Host.DATA_PLANE: frozenset(
        {"https://management.azure.com", "https://management.core.windows.net", "https://ml.azure.com"}
    ),
    Host.BLOB: frozenset({"https://storage.azure.com"}),
    Host.INFERENCE: frozenset({"https://ml.azure.com"}),
}
_SECURITY = [
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"request-context", b"appId=cid-v1:00000000-0000-0000-0000-000000000000"),
]
_NOT_CACHED = [(b"cache-control", b"no-cache"), (b"pragma", b"no-cache"), (b"expires", b"-1")]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OWN = (b"x-phift-emulator", __version__.encode())
_WORKSPACE_PARAMETERS = ("sub", "rg", "ws")


class Application:
    """The ASGI application of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.last_request = time.monotonic()
        self.in_flight = 0
        self._limits = RateLimits()
        routes: list[Route] = []
        for name in HANDLERS:
            module = importlib.import_module(f"phift.emulator.services.{name}.routes")
            routes.extend(module.ROUTES)
            if install := getattr(module, "install", None):
                install(emulator)
        self._router = Router(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        hostname = (request.url.hostname or "").lower()
        kind = host_kind(hostname)
        if kind is Host.ADMIN and scope["scheme"] == "https":
            kind = None  # on the proxy's own port only, never inside a tunnel
        started = time.perf_counter()
        status = 0
        counts = kind is not Host.ADMIN  # looking at the emulator is not using it
        self.in_flight += counts

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message["headers"]
                message["headers"] = [*own, *self._common_headers(kind, request, own, started)]
            await send(message)

        try:
            fault = self.emulator.faults.strike(request.method, hostname, request.scope["path"], request.url.query)
            if fault and not fault.after and await self._strike(fault, kind, request, send_marked):
                return
            fails_later.set(fault.words if fault and fault.later else None)
            response = await self._respond(kind, request, limited(kind, receive))
            if fault and fault.after and await self._strike(fault, kind, request, send_marked):
                return
            if fault and fault.stale:
                response = fault.as_first_answered(str(request.url), response)
            elif self.emulator.noise and kind is Host.ARM and request.method == "GET":
                response = noisy(request.scope["path"], response)
            await response(scope, receive, send_marked)
        except ClientDisconnect:
            logger.info("%s %s%s: the client went away", request.method, hostname, request.scope["path"])
        finally:
            self.in_flight -= counts
            if counts:
                self.last_request = time.monotonic()
            self.emulator.request_log.write(
                request.method, hostname, request.scope["path"], status, (time.perf_counter() - started) * 1000
            )

    async def _respond(self, kind: Host | None, request: Request, receive: Receive) -> Response:
        try:
            if sum(len(name) + len(value) for name, value in request.scope["headers"]) > MAX_HEADER_BYTES:
                raise ServiceError(431, "RequestHeaderFieldsTooLarge", "The headers are larger than 64 KiB.")
            if kind is None:
                raise ServiceError(421, "MisdirectedRequest", f"{request.url.hostname} is not served here.")
            return await self._handle(kind, Request(request.scope, receive))
        except ServiceError as error:
            return self._envelope(error, kind, request)
        except ClientDisconnect:
            raise
        except Exception as error:
            logger.exception("%s %s%s failed", request.method, request.url.hostname, request.scope["path"])
            message = f"The embedded Azure ML failed: {type(error).__name__}: {error}"
            if why := corruption(error):
                message = f"The store of the embedded Azure ML is corrupt: {why}. Reset it: phift emulator reset --yes"
            return self._envelope(ServiceError(500, "InternalServerError", message), kind, request)

    def _envelope(self, error: ServiceError, kind: Host | None, request: Request) -> Response:
        """The one door: an error as the host that was asked writes it."""
        if kind is Host.BLOB:
            return blob_error(error, head=request.method == "HEAD")
        location = self.emulator.workspace.location
        if kind is Host.DATA_PLANE and not request.scope["path"].startswith("/mferp/"):  # the front end speaks ARM
            return data_plane_error(error, location=location)
        return arm_error(error, location=location)

    async def _handle(self, kind: Host, request: Request) -> Response:
        raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
        route, params = self._router.match(kind, request.method, raw_path.decode("ascii").split("?")[0])
        claims = {} if route.public else self._authenticate(kind, request)
        if kind is not Host.BLOB and any(
            not value.isprintable() and _CONTROL.search(value) for value in params.values()
        ):
            raise ServiceError(400, "InvalidRequestUri", "The request path contains control characters.")
        call = Call(self.emulator, request, params, claims)
        if kind is Host.ARM:
            apiversions.check(call.api_version)
        self._check_workspace(params)
        return await route.handler(call)

    def _authenticate(self, kind: Host, request: Request) -> dict[str, Any]:
        if kind is Host.ADMIN:
            return {}  # the home's secret, without which nothing comes here, is all that it takes
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise ServiceError(
                401,
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing or is not a bearer token.",
                headers={"WWW-Authenticate": 'Bearer authorization_uri="https://login.microsoftonline.com/"'},
            )
        try:
            return self.emulator.tokens.verify(token, _AUDIENCES.get(kind))
        except (TokenError, ValueError, KeyError) as error:
            code = "InvalidAuthenticationTokenAudience" if "meant for" in str(error) else "InvalidAuthenticationToken"
            raise ServiceError(
                401,
                code,
                f"The access token is invalid: {error}.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            ) from error

    def _check_workspace(self, params: dict[str, str]) -> None:
        workspace = self.emulator.workspace
        if "ws" in params:
            here = (workspace.subscription_id, workspace.resource_group, workspace.name)
            asked = tuple(params.get(name, "") for name in _WORKSPACE_PARAMETERS)
            if [part.casefold() for part in asked] != [part.casefold() for part in here]:
                raise ServiceError(404, "UserError", "Workspace not found.", inner=("NotFound", "WorkspaceNotFound"))
        elif (subscription := params.get("sub")) and subscription.casefold() != workspace.subscription_id.casefold():
            raise ServiceError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")

    def _common_headers(
        self, kind: Host | None, request: Request, own: Iterable[tuple[bytes, bytes]], started: float
    ) -> list[tuple[bytes, bytes]]:
        """What a host adds to all its answers (names recorded 2026-03). started: its begin by perf_counter."""
        headers = [_OWN]
        if kind is Host.IMDS:
            headers.append((b"connection", b"close"))  # clients keep one connection to a proxy for all plain HTTP hosts
        if kind not in (Host.ARM, Host.DATA_PLANE):
            return headers
        second = int(time.time())
        headers += [(b"date", _date(second)), *_SECURITY]
        headers.append((b"x-request-time", f"{time.perf_counter() - started:.3f}".encode()))
        if all(name.lower() != b"x-ms-response-type" for name, _ in own):
            headers.append((b"x-ms-response-type", b"standard"))
        if kind is Host.ARM:
            identifier, location = str(uuid.uuid4()), self.emulator.workspace.location.upper()
            headers += _NOT_CACHED
            headers += [
                (b"x-ms-request-id", identifier.encode()),
                (b"x-ms-correlation-request-id", identifier.encode()),
                (b"x-ms-operation-identifier", f"tenantId={self.emulator.workspace.tenant_id}".encode()),
                (b"x-ms-routing-request-id", f"{location}:{_moment(second)}:{identifier}".encode()),
            ]
            headers += self._limits.headers(request.method, request.scope["path"])
        return headers

    async def _strike(self, fault: Fault, kind: Host | None, request: Request, send: Send) -> bool:
        """Lets a fault happen; True when it took the place of the answer."""
        await fault.wait()
        if fault.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if fault.drop:
            request.scope["state"]["connection"].abort()
        elif fault.status:
            await self._envelope(fault.error, kind, request)(request.scope, request.receive, send)
        return fault.final


@lru_cache(maxsize=4)
def _date(second: int) -> bytes:
    """A time in seconds as the Date header has it."""
    return formatdate(second, usegmt=True).encode()


@lru_cache(maxsize=4)
def _moment(second: int) -> str:
    """A time in seconds as x-ms-routing-request-id has it."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%dT%H%M%SZ")
