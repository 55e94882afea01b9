"""Environment versions. A PUT on an existing one answers 201 with what is stored: content is silently not replaced."""

from __future__ import annotations

import json
import re
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.validation import text_map
from phift.emulator.core.yamlfile import load_yaml
from phift.emulator.services.assets.base import AssetKind, base_properties, find_version
from phift.emulator.services.assets.labels import labelled_version
from phift.emulator.services.assets.locations import check_region
from phift.emulator.services.emulator import Call, Emulator
from phift.emulator.services.registry.environments import PREFIX, curated, curated_properties

__all__ = ["ENVIRONMENTS", "check_environment", "environment_id"]

_PUBLISHED = "azureml"
_REGISTERED = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/environments/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))",
    re.IGNORECASE,
)
_CURATED = re.compile(
    rf"(?:azureml:|(?:azureml:)?/subscriptions/.+/environments/)(?P<name>{PREFIX}[^/:@]+)"
    r"(?:(?::|/versions/)(?P<version>[^/:@]+)|@\w+|/labels/\w+)",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?:azureml:)?/subscriptions/.+/workspaces/[^/]+/environments/(?P<name>[^/]+)/"
    r"(?:versions/(?P<version>[^/]+)|labels/(?P<label>[^/]+))",
    re.IGNORECASE,
)
_NAMED = re.compile(r"azureml:(?P<name>[A-Za-z0-9._-]+)(?::(?P<version>[A-Za-z0-9._-]+)|@(?P<label>[A-Za-z0-9._-]+))")


def _conda_as_json(text: Any) -> str:
    """YAML text comes back as indented JSON text, a missing file as an empty one (recorded 2023-10, 2025-02)."""
    if not text:
        return ""
    try:
        return json.dumps(load_yaml(text), indent=2, default=str)
    except (TypeError, ValueError, RecursionError) as error:  # keys that are no text, a list within itself
        raise ServiceError(400, "UserError", f"The conda file is not valid YAML: {error}") from error


def _create(call: Call, name: str, version: str, sent: dict[str, Any]) -> dict[str, Any]:
    properties = base_properties(sent)
    if not sent.get("image") and not sent.get("build"):
        raise ServiceError(400, "RequestInvalid", "The request is invalid: an environment needs an image or a build.")
    return {
        **properties,
        "autoDeleteSetting": sent.get("autoDeleteSetting"),
        "environmentType": "UserCreated",
        **({"image": sent["image"]} if sent.get("image") else {}),
        **({"build": sent["build"]} if sent.get("build") else {}),
        "condaFile": _conda_as_json(sent.get("condaFile")),
        **({"inferenceConfig": sent["inferenceConfig"]} if sent.get("inferenceConfig") else {}),
        "osType": sent.get("osType") or "Linux",
        "autoRebuild": sent.get("autoRebuild") or "Disabled",
        "provisioningState": "Succeeded",
        "stage": "Logged" if properties["isAnonymous"] else "Development",
        "intellectualProperty": None,
    }


def _update(call: Call, existing: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    return {
        **existing["properties"],
        "description": sent.get("description"),
        "tags": text_map(sent.get("tags"), "tags"),
        "isArchived": bool(sent.get("isArchived", False)),
    }


def _show(emulator: Emulator, name: str, document: dict[str, Any]) -> dict[str, Any]:
    """The newest version carries the label latest in the user's own bag; anonymous and older ones an empty one."""
    properties = document["properties"]
    latest = (emulator.store.get("environments", name) or {}).get("latest")
    is_latest = not properties["isAnonymous"] and latest == document["name"]
    labelled = {**properties["properties"], "azureml.labels": "latest" if is_latest else ""}
    return {**document, "properties": {**properties, "properties": labelled}}


def _published(name: str) -> dict[str, dict[str, Any]]:
    """The curated environments, by the names that have their prefix."""
    found = curated(name) if name.casefold().startswith(PREFIX.casefold()) else None
    if found is None:
        return {}
    return {str(number): curated_properties(name, str(number)) for number in range(1, found[1] + 1)}


def environment_id(emulator: Emulator, reference: str) -> str:
    """The id that azureml:NAME:VERSION or azureml:NAME@LABEL stands for, of the workspace's own environment or else of
    the azureml registry's curated one (recorded 2023-10); every other reference is unchanged.

    Raises ServiceError 404 where neither has it (assumed: asset_not_found_envelope).
    """
    found = _NAMED.fullmatch(reference)
    if not found:
        _check_registry(emulator, reference)
        return reference
    store, name = emulator.store, found["name"]
    version = found["version"] or labelled_version(store, "environments", name, found["label"])
    if version and (document := store.get("environments/versions", name, version)):
        return f"azureml:{document['id']}"
    full, newest = curated(name) or (name, 0)
    version = found["version"] or str(newest)
    if not (version.isascii() and version.isdigit() and 1 <= int(version) <= newest):
        raise _none(name, found["version"] or "", found["label"] or "")
    return f"azureml://registries/azureml/environments/{full}/versions/{version}"


def check_environment(emulator: Emulator, reference: str, *, own: bool = False) -> None:
    """Raises ServiceError 404 for an environment that a registry, or the curated ones, should have and have not. own:
    also for one that the workspace should have (assumed: asset_not_found_envelope, unknown_environments_are_refused);
    of components nothing more is asked."""
    found = _CURATED.fullmatch(reference)
    if found and find_version(emulator, "environments", found["name"], found["version"] or "") is None:
        which = f":{found['version']}" if found["version"] else "@latest"
        environment_id(emulator, f"azureml:{found['name']}{which}")
    _check_registry(emulator, reference)
    if own and not found and holds(emulator.store, "unknown_environments_are_refused"):
        _check_own(emulator, reference)


def _check_own(emulator: Emulator, reference: str) -> None:
    if found := _OWN.fullmatch(reference):
        name, label = found["name"], found["label"] or ""
        version = found["version"] or labelled_version(emulator.store, "environments", name, label) or ""
        if emulator.store.get("environments/versions", name, version) is None:
            raise _none(name, found["version"] or "", label)
    elif not _REGISTERED.fullmatch(reference):
        environment_id(emulator, reference)
        if not _NAMED.fullmatch(reference):
            raise ServiceError(400, "UserError", f"{reference} is not the id of an environment.")


def _check_registry(emulator: Emulator, reference: str) -> None:
    """Raises ServiceError 404 for an environment that its registry has not, and 400 in another region than its own."""
    found = _REGISTERED.fullmatch(reference)
    if not found:
        return
    name, version, label = found["name"], found["version"] or "", found["label"] or ""
    if registry := emulator.cloud.registry(found["registry"]):
        check_region(emulator, registry, reference)
        version = version or labelled_version(registry.store, "environments", name, label) or ""
        there = registry.store.get("environments/versions", name, version) is not None
    else:
        newest = (curated(name) or ("", 0))[1] if found["registry"].lower() == _PUBLISHED else 0
        there = newest > 0 and (bool(label) or (version.isdecimal() and 1 <= int(version) <= newest))
    if not there:
        raise _none(name, found["version"] or "", label)


def _none(name: str, version: str, label: str) -> ServiceError:
    text = f"No environment exists for name: {name}, version: {version}, label: {label}"
    return ServiceError(404, "UserError", text, inner=("NotFoundError",))


def _missing(kind: AssetKind, name: str, version: str | None) -> ServiceError:
    """A name that is not there (recorded 2022-09); a version is in its own place of the text
    (assumed: asset_not_found_envelope)."""
    return _none(name, version or "", "")


ENVIRONMENTS = AssetKind(
    segment="environments",
    label="Environment",
    create=_create,
    update=_update,
    container={"description": "", "tags": {}, "properties": {}, "provisioningState": "Succeeded"},
    newest_first=True,  # recorded 2026-03, as are the empty description and the next
    lists_anonymous=True,
    missing=_missing,
    update_status=lambda properties: 201,
    update_moves_time=False,  # archiving does not either (recorded 2023-03)
    show=_show,
    published=_published,
)
