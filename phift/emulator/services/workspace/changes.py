"""How a workspace is created, updated and deleted: one operation each."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from phift.emulator.core.documents import timestamp
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.operations import RESULT, Operation
from phift.emulator.core.validation import check_tags
from phift.emulator.core.workspace import Workspace
from phift.emulator.services.emulator import Emulator, emulators
from phift.emulator.services.workspace.documents import KEPT
from phift.emulator.services.workspace.rules import check_name, existing_group, find_workspace, not_emulated, region
from phift.emulator.services.workspace.state import Record, records

__all__ = ["apply", "begin", "check_free", "delete", "new_workspace", "settings_of", "write"]

_TYPE = "Microsoft.MachineLearningServices/workspaces"
_KINDS = ("", "default")
_LONGEST_CONTAINER = 63


def write(emulator: Emulator, group: str, name: str, body: Mapping[str, Any]) -> tuple[bool, Record]:
    """Store what a PUT says of a workspace; whether that makes it, and its record, which is to be ended by `begin`.

    Raises ServiceError for names, regions and kinds that are refused, and 409 while another operation works on it.
    """
    cloud = emulator.cloud
    resource_group = existing_group(cloud, group)["name"]
    check_name(name)
    if str(body.get("kind") or "").casefold() not in _KINDS:
        raise not_emulated(f"workspaces of kind '{body['kind']}'")
    location = region(body.get("location"), _TYPE)
    record = find_workspace(cloud, group, name)
    settings = settings_of(body)
    if record is None:
        workspace = _named(emulator, resource_group, name, location, body)
        record = Record(workspace, settings, "Creating")
        record.save(cloud)
        return True, record
    check_free(record)
    if location != record.workspace.location:
        text = (
            f"The resource '{name}' already exists in location '{record.workspace.location}' in resource group "
            f"'{group}'. A resource with the same name cannot be created in location '{location}'. Please select a new "
            "resource name."
        )
        raise ServiceError(409, "InvalidResourceLocation", text)
    record.settings, record.state = settings, "Updating"
    record.save(cloud)
    return False, record


def delete(emulator: Emulator, record: Record) -> None:
    """Mark a workspace or registry as being deleted, to be ended by `begin`."""
    if record.workspace == emulator.cloud.first.workspace:
        raise not_emulated("the delete of the home's own workspace ('phift emulator reset' empties it)")
    check_free(record)
    record.state = "Deleting"
    record.save(emulator.cloud)


def begin(emulator: Emulator, record: Record, api_version: str, finish: str) -> Operation:
    """Start the operation that completes a change of a workspace or registry."""
    kind = "workspace" if record.workspace.kind == "workspaces" else "registry"
    key = (*record.key, record.workspace.kind)
    return emulator.operations.start(kind, key, finish=finish, location=RESULT, api_version=api_version)


def check_free(record: Record) -> None:
    """Raises ServiceError 409 while an operation works on a workspace or registry."""
    if not record.ended:
        text = f"The resource {record.workspace.name} is {record.state}: wait until that operation has ended."
        raise ServiceError(409, "Conflict", text)


def apply(emulator: Emulator, record: Record) -> None:
    """Make the settings count that a workspace follows: whether its own datastores have credentials."""
    mode = record.settings.get("systemDatastoresAuthMode")
    for each in emulators(emulator.cloud):
        if mode and each.workspace.workspace_id == record.workspace.workspace_id:
            each.blobs.switch(identityBasedDatastores=mode == "identity")


def settings_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the body of a PUT or PATCH."""
    properties = body.get("properties") or {}
    settings = {key: value for key, value in properties.items() if key in KEPT and value is not None}
    if "tags" in body:
        settings["tags"] = check_tags(body["tags"])
    if mode := (properties.get("managedNetwork") or {}).get("isolationMode"):
        settings["isolationMode"] = mode
    if mode := properties.get("systemDatastoresAuthMode"):
        settings["systemDatastoresAuthMode"] = mode
    return settings


def _named(emulator: Emulator, group: str, name: str, location: str, body: Mapping[str, Any]) -> Workspace:
    asked = str((body.get("properties") or {}).get("storageAccount") or "").rpartition("/")[2]
    return new_workspace(emulator, group, name, location, account=asked)


def new_workspace(
    emulator: Emulator,
    group: str,
    name: str,
    location: str,
    *,
    account: str = "",
    container: str = "azureml-blobstore",
    kind: str = "workspaces",
) -> Workspace:
    """A new workspace or registry, with ids and names of its own.

    account: the storage account that is asked for, "" for a new one. container: what the name of its container begins
    with. Raises ServiceError for an account that is taken or not valid.
    """
    home, guid = emulator.cloud.first.workspace, str(uuid.uuid4())
    return Workspace(
        subscription_id=home.subscription_id,
        resource_group=group,
        name=name,
        location=location,
        workspace_id=guid,
        tenant_id=home.tenant_id,
        storage_account=_storage_account(emulator, account, name),
        container=f"{container}-{guid}"[:_LONGEST_CONTAINER].rstrip("-"),
        created_at=timestamp(),
        kind=kind,
    )


def _storage_account(emulator: Emulator, asked: str, name: str) -> str:
    """The name of the storage account of a new workspace or registry of that name: the one asked for, or a new one."""
    if not asked:
        return f"{re.sub('[^a-z0-9]', '', name.casefold())[:8]}{secrets.token_hex(8)}"[:24]
    if not re.fullmatch(r"[a-z0-9]{3,24}", asked):
        raise ServiceError(400, "AccountNameInvalid", f"{asked} is not a valid storage account name.")
    taken = {each.blobs.name for each in emulators(emulator.cloud)}
    taken |= {
        each.workspace.storage_account
        for kind in ("workspaces", "registries")
        for each in records(emulator.cloud, kind)
    }
    if asked in taken:
        raise not_emulated(f"a storage account that two workspaces share ({asked})")
    return asked
