"""The account and its containers, and listings."""

from __future__ import annotations

import asyncio
import base64
import binascii

from starlette.responses import Response

from phift.emulator.core.errors import ServiceError, not_supported
from phift.emulator.services.blob.exchange import Exchange, invalid_query
from phift.emulator.services.blob.model import Blob, Container
from phift.emulator.services.blob.xml import blob_list, container_list

__all__ = [
    "account_information",
    "create",
    "delete",
    "list_blobs",
    "list_containers",
    "properties",
    "set_metadata",
]

_MAX_RESULTS = 5000
_INCLUDES = frozenset(
    (
        *("snapshots", "versions", "metadata", "uncommittedblobs", "copy", "deleted", "deletedwithversions"),
        *("tags", "immutabilitypolicy", "legalhold", "permissions"),
    )
)
"""What a listing may be asked to include (Azure docs, "List Blobs")."""


async def account_information(exchange: Exchange) -> Response:
    exchange.authorize("sco"[bool(exchange.container) + bool(exchange.blob)], "rwdlcua")
    return exchange.answer(
        200, {"x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2", "x-ms-is-hns-enabled": "false"}
    )


async def list_containers(exchange: Exchange) -> Response:
    exchange.authorize("s", "l")
    prefix, limit = exchange.query("prefix"), _limit(exchange)
    found, following = exchange.store.containers.page(prefix, _start(exchange), limit)
    return exchange.xml(
        container_list(
            found,
            endpoint=exchange.account.url + "/",
            echo=_echo(exchange),
            next_marker=_marker(following),
            metadata="metadata" in exchange.query("include").lower().split(","),
        )
    )


async def create(exchange: Exchange) -> Response:
    exchange.authorize("c", "cw")
    if exchange.header("x-ms-blob-public-access"):
        raise ServiceError(409, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
    container = exchange.store.containers.create(exchange.container, exchange.metadata)
    return exchange.answer(201, _stamps(container))


async def properties(exchange: Exchange) -> Response:
    exchange.authorize("c", "r")
    container = exchange.store.containers.get(exchange.container)
    return exchange.answer(
        200,
        {
            **_stamps(container),
            **{f"x-ms-meta-{name}": value for name, value in container.metadata.items()},
            "x-ms-lease-status": "unlocked",
            "x-ms-lease-state": "available",
            "x-ms-has-immutability-policy": "false",
            "x-ms-has-legal-hold": "false",
            "x-ms-immutable-storage-with-versioning-enabled": "false",
            "x-ms-default-encryption-scope": "$account-encryption-key",
            "x-ms-deny-encryption-scope-override": "false",
        },
    )


async def set_metadata(exchange: Exchange) -> Response:
    exchange.authorize("c", "w")
    return exchange.answer(200, _stamps(exchange.store.containers.set_metadata(exchange.container, exchange.metadata)))


async def delete(exchange: Exchange) -> Response:
    exchange.authorize("c", "d")
    exchange.store.containers.delete(exchange.container)
    return exchange.answer(202)


async def list_blobs(exchange: Exchange) -> Response:
    exchange.authorize("c", "l")
    page = exchange.store.list_blobs(
        exchange.container,
        exchange.query("prefix"),
        exchange.query("delimiter"),
        _start(exchange),
        _limit(exchange),
    )
    included = [part for part in exchange.query("include").lower().split(",") if part]
    if not _INCLUDES.issuperset(included):
        raise invalid_query("include", exchange.query("include"))
    if "uncommittedblobs" in included or "snapshots" in included or "versions" in included:
        raise not_supported("Lists of uncommitted blobs, snapshots, versions and deleted blobs are")
    body = await asyncio.to_thread(
        blob_list,
        page,
        endpoint=exchange.account.url + "/",
        container=exchange.container,
        echo=_echo(exchange),
        next_marker=_marker(page.marker),
        metadata="metadata" in included,
        now=exchange.now,
    )
    return exchange.xml(body)


def _stamps(thing: Container | Blob) -> dict[str, str]:
    return {"ETag": thing.etag, "Last-Modified": thing.last_modified}


def _echo(exchange: Exchange) -> dict[str, str]:
    given = {label: exchange.query(label.lower()) for label in ("Prefix", "Marker", "MaxResults", "Delimiter")}
    return {label: value for label, value in given.items() if value}


def _limit(exchange: Exchange) -> int:
    text = exchange.query("maxresults")
    if not text:
        return _MAX_RESULTS
    try:
        number = int(text)
    except ValueError as error:
        raise invalid_query("maxresults", text) from error
    if number < 1:
        raise ServiceError(
            400,
            "OutOfRangeQueryParameterValue",
            "One of the query parameters specified in the request URI is outside the permissible range.",
            parameters={"QueryParameterName": "maxresults", "QueryParameterValue": text},
        )
    return min(number, _MAX_RESULTS)


def _marker(name: str) -> str:
    return "2!" + base64.urlsafe_b64encode(name.encode()).decode() if name else ""


def _start(exchange: Exchange) -> str:
    marker = exchange.query("marker")
    if not marker:
        return ""
    try:
        if not marker.startswith("2!"):
            raise ValueError("no marker of ours")
        return base64.urlsafe_b64decode(marker[2:].encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid_query("marker", marker) from error
