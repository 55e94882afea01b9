"""The workspace's models as MLflow's model registry shows them: one set of models, two views."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from phift.emulator.core.errors import ServiceError
from phift.emulator.services.assets.models import MODELS
from phift.emulator.services.emulator import Emulator

__all__ = ["STAGES", "latest_versions", "matches", "registered_model", "stage_of", "version_document", "versions_of"]

STAGES = ("None", "Staging", "Production", "Archived")
"""Of model versions, as MLflow names them; versions in other stages of the service are in None."""

_CLAUSE = re.compile(
    r"\s*(?P<field>[A-Za-z_]+|tags?\.(?:`[^`]+`|\"[^\"]+\"|[\w.-]+))\s*(?P<operator>!=|=|LIKE|ILIKE|IN)\s*"
    r"(?P<value>'[^']*'|\"[^\"]*\"|\([^)]*\))\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"AND\b", re.IGNORECASE)


def stage_of(properties: Mapping[str, Any]) -> str:
    """The stage of a version in MLflow's names."""
    if properties["isArchived"]:
        return "Archived"
    stage = str(properties.get("stage") or "")
    return next((each for each in STAGES if each.casefold() == stage.casefold()), "None")


def versions_of(emulator: Emulator, name: str) -> list[dict[str, Any]]:
    """The documents of a model's versions, oldest first, without anonymous ones."""
    found = emulator.store.list(MODELS.versions, name)
    return [each for each in found if not each["properties"]["isAnonymous"]]


def version_document(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """A version as MLflow's ModelVersion. name: of the model."""
    properties, data = document["properties"], document["systemData"]
    return {
        "name": name,
        "version": document["name"],
        "creation_timestamp": _milliseconds(data["createdAt"]),
        "last_updated_timestamp": _milliseconds(data["lastModifiedAt"]),
        "user_id": data["createdBy"],
        "current_stage": stage_of(properties),
        "description": properties["description"] or "",
        "source": properties["modelUri"],
        "run_id": properties["jobName"] or "",
        "status": "READY",
        "tags": _tags(properties["tags"]),
    }


def latest_versions(
    name: str, documents: Iterable[Mapping[str, Any]], stages: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """The newest version of each stage, of those named or of all."""
    newest = {stage_of(document["properties"]): document for document in documents}
    wanted = {stage.casefold() for stage in stages}
    return [
        version_document(name, newest[stage])
        for stage in STAGES
        if stage in newest and (not wanted or stage.casefold() in wanted)
    ]


def registered_model(emulator: Emulator, container: Mapping[str, Any]) -> dict[str, Any]:
    """A model as MLflow's RegisteredModel."""
    name, data = container["name"], container["systemData"]
    return {
        "name": name,
        "creation_timestamp": _milliseconds(data["createdAt"]),
        "last_updated_timestamp": _milliseconds(data["lastModifiedAt"]),
        "description": container["description"] or "",
        "latest_versions": latest_versions(name, versions_of(emulator, name)),
        "tags": _tags(container["tags"]),
    }


def matches(text: str, document: Mapping[str, Any]) -> bool:
    """Whether a filter of MLflow's language holds for a RegisteredModel or ModelVersion.

    Clauses on fields and tags (=, !=, LIKE, ILIKE, IN), joined by AND. Raises ServiceError 400 for what is none.
    """
    position = 0
    while position < len(text.rstrip()):
        found = _CLAUSE.match(text, position)
        if found is None:
            raise ServiceError(400, "INVALID_PARAMETER_VALUE", f"Invalid filter string: {text!r}")
        if not _holds(found["field"], found["operator"].upper(), found["value"], document, text):
            return False
        joint = _AND.match(text, found.end())
        if joint is None and found.end() < len(text.rstrip()):
            raise ServiceError(400, "INVALID_PARAMETER_VALUE", f"Invalid filter string: {text!r}")
        position = joint.end() if joint else len(text)
    return True


def _holds(field: str, operator: str, value: str, document: Mapping[str, Any], text: str) -> bool:
    if field.lower().startswith(("tag.", "tags.")):
        key = field.partition(".")[2].strip('`"')
        actual = next((each["value"] for each in document["tags"] if each["key"] == key), None)
    else:
        names = {"version_number": "version", "source_path": "source"}
        name = names.get(field.lower(), field.lower())
        if name not in ("name", "run_id", "source", "version", "current_stage"):
            raise ServiceError(400, "INVALID_PARAMETER_VALUE", f"Invalid attribute key '{field}' in filter {text!r}")
        actual = document.get(name)
    if operator == "IN":
        return actual in [each.strip().strip("'\"") for each in value.strip("()").split(",")]
    wanted = value[1:-1]
    if operator in ("LIKE", "ILIKE"):
        pattern = ".*".join(re.escape(part) for part in wanted.split("%")).replace("_", ".")
        flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else re.NOFLAG)
        return actual is not None and re.fullmatch(pattern, actual, flags) is not None
    return (actual == wanted) == (operator == "=")


def _tags(bag: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in bag.items()]


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
