"""The blob service over HTTP: `{account}.blob.core.windows.net`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.core.routing import Host, Route
from phift.emulator.services.blob.answers import SERVER
from phift.emulator.services.blob.exchange import Exchange, invalid_query
from phift.emulator.services.blob.operations import blobs, containers, leasing, uploads
from phift.emulator.services.emulator import Call, emulators

__all__ = ["ROUTES"]

Operation = Callable[[Exchange], Awaitable[Response]]

_DEFAULT_VERSION = "2021-08-06"

_SERVICE: dict[tuple[str, str, str], Operation] = {
    ("GET", "", "list"): containers.list_containers,
    ("GET", "account", "properties"): containers.account_information,
    ("HEAD", "account", "properties"): containers.account_information,
}
_CONTAINER: dict[tuple[str, str, str], Operation] = {
    ("PUT", "container", ""): containers.create,
    ("GET", "container", ""): containers.properties,
    ("HEAD", "container", ""): containers.properties,
    ("DELETE", "container", ""): containers.delete,
    ("PUT", "container", "metadata"): containers.set_metadata,
    ("GET", "container", "metadata"): containers.properties,
    ("HEAD", "container", "metadata"): containers.properties,
    ("GET", "container", "list"): containers.list_blobs,
    ("GET", "account", "properties"): containers.account_information,
}
_BLOB: dict[tuple[str, str, str], Operation] = {
    ("GET", "", ""): blobs.get,
    ("HEAD", "", ""): blobs.head,
    ("DELETE", "", ""): blobs.delete,
    ("GET", "", "metadata"): blobs.get_metadata,
    ("HEAD", "", "metadata"): blobs.get_metadata,
    ("PUT", "", "metadata"): blobs.set_metadata,
    ("PUT", "", "properties"): blobs.set_properties,
    ("PUT", "", ""): uploads.put_blob,
    ("PUT", "", "block"): uploads.put_block,
    ("PUT", "", "blocklist"): uploads.put_block_list,
    ("GET", "", "blocklist"): uploads.get_block_list,
    ("PUT", "", "appendblock"): uploads.append_block,
    ("PUT", "", "lease"): leasing.lease,
    ("GET", "account", "properties"): containers.account_information,
}
"""What is emulated, by method, restype and comp. What else the service has answers 501."""
_RESOURCES = frozenset(("", "account", "container", "service"))
_COMPONENTS = frozenset(
    (
        *("", "acl", "appendblock", "batch", "block", "blocklist", "blobs", "copy", "expiry", "immutabilitypolicies"),
        *("incrementalcopy", "lease", "legalhold", "list", "metadata", "page", "pagelist", "properties", "query"),
        *("rename", "seal", "snapshot", "stats", "tags", "tier", "undelete", "userdelegationkey"),
    )
)
"""The values of restype and comp that the service has; others are invalid."""


async def _service(call: Call) -> Response:
    return await _answer(call, _SERVICE)


async def _container(call: Call) -> Response:
    return await _answer(call, _CONTAINER)


async def _blob(call: Call) -> Response:
    return await _answer(call, _BLOB)


async def _answer(call: Call, operations: dict[tuple[str, str, str], Operation]) -> Response:
    call = _of_account(call)
    exchange = Exchange(call, call.emulator.blobs, time.time())
    headers = {"x-ms-version": exchange.header("x-ms-version") or _DEFAULT_VERSION}
    if client_id := exchange.header("x-ms-client-request-id"):
        headers["x-ms-client-request-id"] = client_id
    try:
        exchange.check_account()
        response = await _operation(exchange, operations)(exchange)
    except ServiceError as error:
        await exchange.body.drain()
        error.headers.setdefault("Server", SERVER)
        if error.code != "KeyBasedAuthenticationNotPermitted":  # refused before a version is chosen (recorded 2026-02)
            error.headers.update(headers)
        raise
    for name, value in headers.items():
        response.headers[name] = value
    response.headers.setdefault("Server", SERVER)
    return response


def _of_account(call: Call) -> Call:
    """The call with the emulator whose storage account it asks, where there is one."""
    asked = call.hostname.partition(".")[0]
    found = (each for each in emulators(call.emulator.cloud) if each.blobs.name.casefold() == asked)
    return replace(call, emulator=next(found, call.emulator))


def _operation(exchange: Exchange, operations: dict[tuple[str, str, str], Operation]) -> Operation:
    method, restype, comp = exchange.request.method, exchange.query("restype").lower(), exchange.query("comp").lower()
    if found := operations.get((method, restype, comp)):
        return found
    if method == "POST" and not comp:
        raise ServiceError(405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
    if comp not in _COMPONENTS:
        raise invalid_query("comp", exchange.query("comp"))
    if restype not in _RESOURCES:
        raise invalid_query("restype", exchange.query("restype"))
    asked = " ".join(filter(None, (method, restype and f"restype={restype}", comp and f"comp={comp}")))
    raise not_supported(f"The operation {asked} of blob storage is")


async def _switches(call: Call) -> Response:
    return reply(call.emulator.blobs.switches)


async def _switch(call: Call) -> Response:
    wanted = await call.object()
    if not all(isinstance(value, bool) for value in wanted.values()):
        raise ServiceError(400, "BadRequest", "The switches of the storage account are true or false.")
    try:
        call.emulator.blobs.switch(**wanted)
    except ValueError as error:
        raise ServiceError(400, "BadRequest", str(error)) from error
    return reply(call.emulator.blobs.switches)


_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")

ROUTES = (
    *(
        Route(Host.BLOB, method, path, handler, public=True)  # the account's own authorization follows
        for path, handler in (("/", _service), ("/{container}", _container), ("/{container}/{blob:path}", _blob))
        for method in _METHODS
    ),
    Route(Host.ADMIN, "GET", "/storage", _switches),
    Route(Host.ADMIN, "PUT", "/storage", _switch),
)
