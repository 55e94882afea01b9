"""The JSON schema of the spec, for editors: its blocks, and the parameters, sizes and models of the catalogue."""

from __future__ import annotations

import json
from collections.abc import Callable

from phift.editor import parameters, suggestions
from phift.editor.suggestions import suggested
from phift.spec.jsonschema import OVERRIDE, REF, SPEC, Schema, structure

__all__ = ["SCHEMA_FILE", "SCHEMA_ID", "json_schema", "schema_text"]

SCHEMA_FILE = "phift.schema.json"
"""The name of the file of the schema, next to the specs."""
SCHEMA_ID = "urn:phift:spec:1/phift.schema.json"
"""The `$id` of the schema: the same in every release that reads this format. It is not an address."""


def json_schema() -> Schema:
    """Return the schema (draft 7) as a plain value."""
    own = structure() | parameters.definitions() | suggestions.definitions()
    for end in ("", OVERRIDE):
        for name in ("Compute", "Deployment"):
            _change(own[name + end], _of_sizes)
        _suggest(own["ComputeSection" + end], "finetune", "Serverless")
        _suggest(own["ComputeSection" + end], "other_steps", "Serverless")
        _suggest(own["Finetune" + end], "component", "Components")
        _suggest(own["Rule" + end], "metric", "Metrics")
        week = own["Schedule" + end]["properties"]["days"]
        week["items"] = suggested(week["items"], "Days")
    for block in (own[SPEC], own[SPEC + OVERRIDE], own["Target"]):
        _suggest(block, "base_model", "BaseModels")
        block["properties"]["prices"]["propertyNames"] = {"anyOf": [{}, {"enum": list(suggestions.sizes())}]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": SCHEMA_ID,
        "description": "A spec of phift, format 1.",
        "type": "object",
        "allOf": parameters.conditions(),
        # The keys that a spec lacks may be in the one that it extends, whose keys it removes with null.
        "if": {"properties": {"extends": False}, "title": ""},
        "then": {"$ref": REF + SPEC},
        "else": {"$ref": REF + SPEC + OVERRIDE},
        "definitions": {name: own[name] for name in sorted(own)},
    }


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def _suggest(block: Schema, key: str, name: str) -> None:
    block["properties"][key] = suggested(block["properties"][key], name)


def _change(block: Schema, change: Callable[[str, Schema], Schema]) -> None:
    block["properties"] = {key: change(key, body) for key, body in block["properties"].items()}


def _of_sizes(key: str, field: Schema) -> Schema:
    """Suggest VM sizes for the fields that take one, or several."""
    if key in ("size", "instance_type"):
        return suggested(field, "VmSizes")
    return {**field, "items": suggested(field["items"], "VmSizes")} if key == "allow" else field
