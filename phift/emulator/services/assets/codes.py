"""Code versions: found by the hash of their content, whatever the name."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from starlette.responses import Response

from phift.emulator.core.documents import reply
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_members, text_map
from phift.emulator.services.assets.base import AssetKind, base_properties, routes
from phift.emulator.services.emulator import Call

__all__ = ["CODES", "CODE_ROUTES"]

_UPLOAD_SECONDS = 24 * 3600


def _create(call: Call, name: str, version: str, sent: dict[str, Any]) -> dict[str, Any]:
    """isAnonymous is sent true and comes back false (recorded 2022-10)."""
    uri = sent.get("codeUri")
    if not isinstance(uri, str) or not uri:
        raise ServiceError(400, "RequestInvalid", "The request is invalid: a code version needs a codeUri.")
    # the SDK sends hash_version as a number; it is kept as text (recorded 2025-02)
    bag = {
        key: str(value) if isinstance(value, int) else value for key, value in (sent.get("properties") or {}).items()
    }
    return {
        **base_properties({**sent, "properties": bag}),
        "isAnonymous": False,
        "codeUri": uri,
        "provisioningState": "Succeeded",
    }


def _update(call: Call, existing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    old: dict[str, Any] = existing["properties"]
    return {
        **old,
        "description": sent.get("description"),
        "tags": text_map(sent.get("tags"), "tags"),
        "isArchived": bool(sent.get("isArchived", False)),
    }


CODES = AssetKind(segment="codes", label="Code", create=_create, update=_update)


async def _find(call: Call) -> Response:
    """With `hash`, the versions of that content under any name: clients ask with a fresh random name each time."""
    wanted = call.query("hash")
    store = call.emulator.store
    if not wanted:
        return page(call, list(reversed(store.list(CODES.versions, call.params["name"]))))
    found = [
        document
        for document in store.list(CODES.versions)
        if document["properties"]["properties"].get("hash_sha256") == wanted
    ]
    return page(call, list(reversed(found)))


async def _start_upload(call: Call) -> Response:
    """A container of its own for the content, and a SAS that writes to it."""
    check_members(call, await call.object(needed=False), "PendingUploadRequest")
    blobs = call.emulator.blobs
    container = f"{call.emulator.workspace.workspace_id}-{secrets.token_hex(13)}"
    blobs.store.containers.ensure(container)
    return reply(
        {
            "blobReferenceForConsumption": {
                "blobUri": blobs.blob_url(container).replace(".net/", ".net:443/", 1),
                "storageAccountArmId": _storage_account(call),
                "credential": {
                    "credentialType": "SAS",
                    "sasUri": blobs.sas_url(container, permissions="rcwl", seconds=_UPLOAD_SECONDS),
                },
            },
            "pendingUploadId": str(uuid.uuid4()),
            "pendingUploadType": "TemporaryBlobReference",
        }
    )


def _storage_account(call: Call) -> str:
    workspace = call.emulator.workspace
    return (
        f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
        f"/providers/Microsoft.Storage/storageAccounts/{workspace.storage_account}"
    )


_VERSIONS = WS + "/codes/{name}/versions"
CODE_ROUTES = (
    *(route for route in routes(CODES) if (route.method, route.path) != ("GET", _VERSIONS)),
    Route(Host.ARM, "GET", _VERSIONS, _find),
    Route(Host.ARM, "POST", _VERSIONS + "/{version}/startPendingUpload", _start_upload),
)
