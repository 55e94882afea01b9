"""The JSON Schema of the spec, for editors: `python -m phift.spec.jsonschema > schemas/phift.schema.json`.

Generated from the Pydantic models. Numbers, flags and enumerations accept templates too. Overrides of a target are the
same blocks without required keys, and accept null, which removes a key.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from phift.spec.base import Strict
from phift.spec.document import Spec, TargetBlock
from phift.spec.rules import Implied, NumbersAsText, Renamed
from phift.spec.spellings import blocks_below
from phift.spec.targets import FIXED_KEYS

__all__ = ["json_schema", "schema_text"]

_REF = "#/definitions/"
_OVERRIDE = "Override"
_TEMPLATE = {"$ref": f"{_REF}Template"}
_NOISE = ("title", "default")
Schema = dict[str, Any]


def json_schema() -> Schema:
    """Return the schema (draft 7, which editors support best) as a plain value."""
    spec = Spec.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
    target = TargetBlock.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
    definitions = {name: _relaxed(body) for name, body in (spec.pop("$defs") | target.pop("$defs")).items()}
    spec, target = _relaxed(spec), _relaxed(target)
    every: list[type[Strict]] = [Spec, *blocks_below(Spec)]
    for block in every:
        body = spec if block is Spec else definitions[block.__name__]
        body["properties"] |= _spelled(block, body["properties"], definitions)
    version = {"const": 1, "description": spec["properties"]["version"]["description"]}
    spec["properties"]["version"] = version

    overrides = {name + _OVERRIDE: _partial(body) for name, body in definitions.items()}
    changes = {key: body for key, body in _partial(spec)["properties"].items() if key not in FIXED_KEYS}
    target["properties"] |= changes
    target["description"] = "Target of a stack. Its other keys override those of the spec."
    definitions |= overrides
    definitions["Target"] = target
    definitions["Template"] = {"type": "string", "pattern": r"\{\{", "description": "A template: {{ vars.NAME }}."}
    spec["properties"]["targets"] = {
        "type": "object",
        "description": "Targets of the spec, by name. `local` is built in.",
        "additionalProperties": {"anyOf": [{"$ref": f"{_REF}Target"}, {"type": "null"}]},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "phift spec, format 1",
        **spec,
        "definitions": {name: definitions[name] for name in sorted(_reachable(spec, definitions))},
    }


def schema_text() -> str:
    """Return the schema as the text of the file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _spelled(block: type[Strict], properties: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schemas of the keys that a block accepts in the spelling of `az ml`."""
    accepted: Schema = {}
    for spelling in block.spellings:
        match spelling:
            case Implied():
                accepted[spelling.key] = {
                    "type": "string",
                    "description": "Accepted from `az ml` YAML, without effect.",
                }
            case Renamed():
                folder, _, name = spelling.to.rpartition(".")
                inside = (
                    definitions[properties[folder]["$ref"].removeprefix(_REF)]["properties"] if folder else properties
                )
                accepted[spelling.key] = {
                    **inside[name],
                    "description": f"The spelling of `az ml` for `{spelling.to}`.",
                }
            case NumbersAsText():
                known = properties[spelling.key]
                inner = known["additionalProperties"]
                options = [*inner.get("anyOf", (inner,)), {"type": "number"}]
                accepted[spelling.key] = {**known, "additionalProperties": {"anyOf": options}}
    return accepted


def _relaxed(schema: Schema) -> Schema:
    """Remove titles, defaults and null, and allow templates for constrained scalars."""
    result: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            result[key] = {name: _relaxed(body) for name, body in value.items()}
        elif key in ("anyOf", "oneOf"):
            result["anyOf"] = _flat([_relaxed(option) for option in value if option != {"type": "null"}])
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = _relaxed(value)
        elif key not in _NOISE:
            result[key] = value
    if len(result.get("anyOf", ())) == 1:
        result = {**result.pop("anyOf")[0], **result}
    if _constrained(result):
        outer = {"description": result.pop("description")} if "description" in result else {}
        return {**outer, "anyOf": [result, _TEMPLATE]}
    return result


def _constrained(schema: Schema) -> bool:
    if "anyOf" in schema or "$ref" in schema:
        return False
    kinds = schema.get("type")
    return "enum" in schema or "const" in schema or "pattern" in schema or kinds in ("integer", "number", "boolean")


def _flat(options: list[Schema]) -> list[Schema]:
    """Flatten nested alternatives, without duplicates."""
    flat: list[Schema] = []
    for option in options:
        for inner in option["anyOf"] if set(option) == {"anyOf"} else [option]:
            if inner not in flat:
                flat.append(inner)
    return flat


def _partial(schema: Schema) -> Schema:
    """Convert a block to an override: nothing is required and null is allowed, recursively."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            reference = value.get("$ref")
            named = {key: renamed(item) for key, item in value.items() if key != "required"}
            if isinstance(reference, str) and value != _TEMPLATE:
                named["$ref"] = reference + _OVERRIDE
            return named
        return [renamed(item) for item in value] if isinstance(value, list) else value

    result: Schema = renamed(schema)
    for key, body in result.get("properties", {}).items():
        result["properties"][key] = _nullable(body)
    return result


def _nullable(schema: Schema) -> Schema:
    outer = {"description": schema["description"]} if "description" in schema else {}
    inner = {key: value for key, value in schema.items() if key != "description"}
    options = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {**outer, "anyOf": [*options, {"type": "null"}]}


def _reachable(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix(_REF)
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


if __name__ == "__main__":
    sys.stdout.write(schema_text())
