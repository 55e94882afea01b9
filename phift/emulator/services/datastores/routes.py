"""Datastores of the workspace: the four it is born with, and those a user adds."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from phift.emulator.core.apiversions import shown
from phift.emulator.core.assumed import holds
from phift.emulator.core.documents import empty, reply, system_data, touched
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.listing import page
from phift.emulator.core.routing import WS, Host, Route
from phift.emulator.core.validation import check_asset_name, check_members, strict_object
from phift.emulator.services.assets.locations import ARTIFACT_STORE
from phift.emulator.services.blob.account import ARTIFACT_CONTAINER, BlobAccount
from phift.emulator.services.emulator import Call, Emulator

__all__ = ["ROUTES", "make_system_datastores"]

DEFAULT = "workspaceblobstore"

_KIND = "datastore"
_SECRETS = "datastoreSecrets"
_TYPE = "Microsoft.MachineLearningServices/workspaces/datastores"
_MAX_SAS_HOURS = 24 * 7
_SECRET_FIELDS = {
    "AccountKey": ("key",),
    "Sas": ("sasToken",),
    "ServicePrincipal": ("clientSecret",),
    "Certificate": ("certificate",),
    "KerberosPassword": ("kerberosPassword",),
    "KerberosKeytab": ("kerberosKeytab",),
}


async def get(call: Call) -> Response:
    return reply(_document(call, _existing(call)))


async def list_datastores(call: Call) -> Response:
    """isDefault=true leaves the default one only; names narrows the list, count is the size of a page."""
    stored = call.emulator.store.list(_KIND)
    if call.query("isDefault").lower() == "true":
        stored = [body for body in stored if body["name"] == DEFAULT]
    if names := [name.strip().lower() for name in call.query("names").split(",") if name.strip()]:
        stored = [body for body in stored if body["name"].lower() in names]
    return page(call, (_document(call, body) for body in stored))


async def list_secrets(call: Call) -> Response:
    """A SAS when `expirableSecret` is asked for (the default of newer clients), the account key otherwise."""
    stored = _existing(call)
    account = call.emulator.blobs
    asked = await call.object(needed=False)
    check_members(call, asked, "SecretsRequest")
    if _credentials(account, stored) == "None":
        raise ServiceError(400, "UserError", "No secrets for credentials of type None.", inner=("BadArgument",))
    if own := call.emulator.store.get(_SECRETS, stored["name"]):
        return reply(own["secrets"])
    # (assumed: artifact_store_gives_its_key)
    own_key = stored["name"] == ARTIFACT_STORE and holds(call.emulator.store, "artifact_store_gives_its_key")
    if own_key or asked.get("expirableSecret") is not True:
        return reply({"secretsType": "AccountKey", "key": account.key})
    hours = asked.get("expireAfterHours", 1)
    if isinstance(hours, bool) or not isinstance(hours, int) or not 1 <= hours <= _MAX_SAS_HOURS:
        raise ServiceError(
            400, "UserError", f"expireAfterHours must be between 1 and {_MAX_SAS_HOURS}.", target="expireAfterHours"
        )
    return reply({"secretsType": "Sas", "sasToken": account.datastore_sas(hours * 3600)})


async def put(call: Call) -> Response:
    body = await strict_object(call, "Datastore")
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise ServiceError(400, "ValidationError", "The field properties is required.", target="properties")
    if not properties.get("datastoreType"):
        raise ServiceError(
            400, "ValidationError", "The field datastoreType is required.", target="properties.datastoreType"
        )
    name = call.params["name"]
    check_asset_name(name)
    if any(name.lower() == system["name"].lower() for system in _system_datastores(call.emulator)):
        raise ServiceError(400, "UserError", f"The datastore {name} belongs to the workspace and cannot be changed.")
    store = call.emulator.store
    existing = store.get(_KIND, name)
    credentials = properties.get("credentials") or {"credentialsType": "None"}
    kind = credentials.get("credentialsType", "None")
    public = {key: value for key, value in credentials.items() if key != "secrets"}
    stored = {
        "name": existing["name"] if existing else name,
        "properties": {
            "serviceDataAccessAuthIdentity": "None",
            **properties,
            "credentials": public,
            "isDefault": False,
        },
        "systemData": touched(existing["systemData"]) if existing else system_data(),
    }
    given = credentials.get("secrets") or {}
    secrets = {field: given[field] for field in _SECRET_FIELDS.get(kind, ()) if field in given}
    with store.transaction():
        store.put(_KIND, name, body=stored)
        if secrets:
            store.put(_SECRETS, name, body={"secrets": {"secretsType": kind, **secrets}})
        else:
            store.delete(_SECRETS, name)
    if existing:
        return reply(_document(call, stored))
    location = str(call.request.url.replace(scheme="https"))  # with the whole query (recorded 2022-08)
    return reply(_document(call, stored), 201, {"Location": location})


async def delete(call: Call) -> Response:
    name = call.params["name"]
    if any(name.lower() == system["name"].lower() for system in _system_datastores(call.emulator)):
        raise ServiceError(400, "UserError", f"The datastore {name} belongs to the workspace and cannot be deleted.")
    with call.emulator.store.transaction():
        call.emulator.store.delete(_SECRETS, name)
        deleted = call.emulator.store.delete(_KIND, name)
    return empty(200 if deleted else 204)


def make_system_datastores(emulator: Emulator) -> None:
    """Make the workspace's own datastores."""
    for stored in _system_datastores(emulator):
        if emulator.store.get(_KIND, stored["name"]) is None:
            created = system_data(emulator.workspace.created_at)
            shown = {key: created[key] for key in ("createdAt", "lastModifiedAt", "lastModifiedBy")}
            # The service names neither creator nor kind of creator here (recorded 2026-03).
            data = {**shown, "lastModifiedAt": created["createdAt"], "lastModifiedByType": "Application"}
            emulator.store.put(_KIND, stored["name"], body={**stored, "systemData": data})


def _system_datastores(emulator: Emulator) -> list[dict[str, Any]]:
    workspace = emulator.workspace
    guid = workspace.workspace_id
    account = workspace.storage_account

    def described(kind: str, **where: str) -> dict[str, str]:
        identity = "WorkspaceSystemAssignedIdentity" if kind == "AzureBlob" else "None"
        host = {"endpoint": "core.windows.net", "protocol": "https"}
        return {
            "datastoreType": kind,
            "accountName": account,
            **where,
            **host,
            "serviceDataAccessAuthIdentity": identity,
        }

    return [
        {"name": DEFAULT, "properties": described("AzureBlob", containerName=workspace.container)},
        {"name": ARTIFACT_STORE, "properties": described("AzureBlob", containerName=ARTIFACT_CONTAINER)},
        {
            "name": "workspacefilestore",
            "properties": described("AzureFile", fileShareName=f"azureml-filestore-{guid}"),
        },
        {"name": "workspaceworkingdirectory", "properties": described("AzureFile", fileShareName=f"code-{guid}")},
    ]


def _existing(call: Call) -> dict[str, Any]:
    name = call.params["name"]
    stored = call.emulator.store.get(_KIND, name)
    if stored is None:  # recorded 2022-08
        raise ServiceError(404, "UserError", f"Could not find datastore: {name}.", inner="NotFoundError")
    return stored


def _credentials(account: BlobAccount, stored: dict[str, Any]) -> str:
    own = stored["properties"].get("credentials")
    if own is not None:
        return str(own.get("credentialsType", "None"))
    return "None" if account.switches["identityBasedDatastores"] else "AccountKey"


def _document(call: Call, stored: dict[str, Any]) -> dict[str, Any]:
    workspace = call.emulator.workspace
    own = stored["properties"]
    credentials = own.get("credentials") or {"credentialsType": _credentials(call.emulator.blobs, stored)}
    properties: dict[str, Any] = {
        "description": own.get("description"),
        "tags": own.get("tags"),
        "properties": own.get("properties"),
        "isDefault": stored["name"] == DEFAULT,
        "credentials": credentials,
        "intellectualProperty": None,
        "subscriptionId": own.get("subscriptionId") or workspace.subscription_id,
        "resourceGroup": own.get("resourceGroup") or workspace.resource_group,
    }
    properties |= {key: value for key, value in own.items() if key not in properties}
    return {
        "id": f"{workspace.arm_id}/datastores/{stored['name']}",
        "name": stored["name"],
        "type": _TYPE,
        "properties": shown("datastore", properties, call.api_version),
        "systemData": stored["systemData"],
    }


_PATH = WS + "/datastores/{name}"
ROUTES = (
    Route(Host.ARM, "GET", WS + "/datastores", list_datastores),
    Route(Host.ARM, "GET", _PATH, get),
    Route(Host.ARM, "PUT", _PATH, put),
    Route(Host.ARM, "DELETE", _PATH, delete),
    Route(Host.ARM, "POST", _PATH + "/listSecrets", list_secrets),
)
