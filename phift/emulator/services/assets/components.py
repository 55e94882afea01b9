"""Component versions: the spec comes back with its scalars as text and its references resolved."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.validation import text_map
from phift.emulator.services.assets.base import AssetKind, base_properties
from phift.emulator.services.assets.component_spec import stored_spec
from phift.emulator.services.assets.environments import environment_id
from phift.emulator.services.emulator import Call

__all__ = ["COMPONENTS"]

_ANONYMOUS = "azureml_anonymous"
_CHANGEABLE = ("display_name", "description", "tags", "$schema")


def _stored_spec(call: Call, spec: dict[str, Any]) -> dict[str, Any]:
    return stored_spec(spec, partial(environment_id, call.emulator))


def _numbered(spec: dict[str, Any], version: str | None) -> dict[str, Any]:
    """With the version that was given to it, where it was sent without one: clients read it from the spec."""
    return spec if spec.get("version") or version is None else {**spec, "version": version}


def _own_version(call: Call, version: str, sent: dict[str, Any]) -> str:
    """An anonymous component with a name of its own is stored under a GUID that follows from its content; clients take
    it from the reply (recorded 2026-03). One without a name keeps the GUID that was asked for (recorded 2023-10)."""
    spec = sent.get("componentSpec")
    if not sent.get("isAnonymous") or not isinstance(spec, dict) or spec.get("name") in (None, _ANONYMOUS):
        return version
    content = json.dumps(_stored_spec(call, spec), sort_keys=True)
    return str(uuid.uuid5(uuid.UUID(call.emulator.workspace.workspace_id), content))


def _create(call: Call, name: str, version: str, sent: dict[str, Any]) -> dict[str, Any]:
    spec = sent.get("componentSpec")
    if not isinstance(spec, dict) or not spec.get("type"):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: a component version needs a componentSpec.")
    return {
        **base_properties(sent),
        "description": None,  # that of the spec counts (recorded 2022-11)
        "autoDeleteSetting": sent.get("autoDeleteSetting"),
        "componentSpec": _stored_spec(call, _numbered(spec, version)),
        "provisioningState": "Succeeded",
        "stage": "Development",
    }


def _update(call: Call, existing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """Of the spec only what it shows of itself can change (recorded 2022-11; assumed: component_spec_is_fixed); an
    anonymous version stays as it was first."""
    old: dict[str, Any] = existing["properties"]
    if old["isAnonymous"]:
        return old
    asked = sent.get("componentSpec")
    number = old["componentSpec"].get("version")
    spec = _stored_spec(call, _numbered(asked, number)) if isinstance(asked, dict) else old["componentSpec"]
    if _fixed(spec) != _fixed(old["componentSpec"]) and not holds(call.emulator.store, "component_spec_is_fixed"):
        spec = {**old["componentSpec"], **{key: value for key, value in spec.items() if key in _CHANGEABLE}}
    if _fixed(spec) != _fixed(old["componentSpec"]):
        raise ServiceError(
            400,
            "UserError",
            "A component with this name and version already exists. The existing component's spec cannot be changed. "
            "Only tags, description, and isArchived can be updated.",
            inner=("Immutable", "ComponentPropertyImmutable"),
        )
    return {
        **old,
        "componentSpec": spec,
        "tags": text_map(sent.get("tags"), "tags"),
        "isArchived": bool(sent.get("isArchived", False)),
    }


def _fixed(spec: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in _CHANGEABLE}


def _moment() -> str:
    """The version that a component without one gets: the time, to seven digits (recorded 2023-02)."""
    return datetime.now(UTC).strftime("%Y-%m-%d-%H-%M-%S-%f0")


def _missing(kind: AssetKind, name: str, version: str | None) -> ServiceError:
    """A name that is not there (recorded 2026-03); a missing version is reported as by jobs (recorded 2022-11; assumed:
    asset_not_found_envelope)."""
    what = name if version is None else f"{name} (version: {version})"
    return ServiceError(404, "UserError", f"Not found component {what}.", inner=("NotFound", "ComponentNotFound"))


COMPONENTS = AssetKind(
    segment="components",
    label="Component",
    create=_create,
    update=_update,
    container={"description": "", "tags": {}, "properties": {}, "provisioningState": "Succeeded"},
    update_status=lambda properties: 201 if properties["isAnonymous"] else 200,
    next_version=_moment,
    newest_first=True,
    tells_latest=False,  # recorded 2026-03, as is the next
    container_system_fields=("createdAt", "lastModifiedAt"),
    missing=_missing,
    stored_version=_own_version,
)
