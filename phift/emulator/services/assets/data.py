"""Data versions: immutable by URI."""

from __future__ import annotations

from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.core.uris import parse_datastore_uri
from phift.emulator.core.validation import text_map
from phift.emulator.services.assets.base import AssetKind, base_properties
from phift.emulator.services.emulator import Call

__all__ = ["DATA"]

_TYPES = ("uri_file", "uri_folder", "mltable")
_FOLDERS = ("uri_folder", "mltable")


def _long(call: Call, uri: str, kind: Any) -> str:
    """Short URIs turn long with a lower-case `resourcegroups` (recorded 2026-03), those of folders end in a slash
    (recorded 2022-09); others are unchanged."""
    path = parse_datastore_uri(uri, call.emulator.workspace)
    if path is None:
        return uri
    long = path.long(call.emulator.workspace, groups="resourcegroups")
    return long.rstrip("/") + "/" if kind in _FOLDERS else long


def _create(call: Call, name: str, version: str, sent: dict[str, Any]) -> dict[str, Any]:
    """The datastore need not exist: the service does not look."""
    uri, kind = sent.get("dataUri"), sent.get("dataType")
    if not isinstance(uri, str) or not uri or kind not in _TYPES:
        message = f"The request is invalid: a data version needs a dataUri, and a dataType of {', '.join(_TYPES)}."
        raise ServiceError(400, "RequestInvalid", message)
    return {
        **base_properties(sent),
        "autoDeleteSetting": sent.get("autoDeleteSetting"),
        "dataUri": _long(call, uri, kind),
        "stage": None,
        "intellectualProperty": None,
        "dataType": kind,
        **({"referencedUris": sent.get("referencedUris")} if kind == "mltable" else {}),
    }


def _update(call: Call, existing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    old: dict[str, Any] = existing["properties"]
    if (
        _long(call, str(sent.get("dataUri")), old["dataType"]) != old["dataUri"]
        or sent.get("dataType") != old["dataType"]
    ):
        raise ServiceError(
            400,
            "UserError",
            "A data version with this name and version already exists. If you are trying to create a new data version, "
            "use a different name or version. If you are trying to update an existing data version, the existing "
            "asset's data uri cannot be changed. Only tags, description, and isArchived can be updated.",
            inner=("Immutable", "DataVersionPropertyImmutable"),
        )
    return {
        **old,
        "description": sent.get("description"),
        "tags": text_map(sent.get("tags"), "tags"),
        "isArchived": bool(sent.get("isArchived", False)),
    }


DATA = AssetKind(
    segment="data",
    label="Data",
    create=_create,
    update=_update,
    container={"tags": None, "properties": None, "dataType": None},
    from_version=("dataType",),
    hidden_system_fields=("lastModifiedBy", "lastModifiedByType"),
    container_system_fields=("createdAt", "createdBy", "createdByType", "lastModifiedAt"),  # recorded 2026-03
)
