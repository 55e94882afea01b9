"""The JSON schema of the spec, from the Pydantic models. `phift.editor` adds to it what the catalogue knows.

Numbers, flags and enumerations accept templates too. Overrides of a target are the same blocks without required keys,
and accept null, which removes a key.

The schema is written for editors, by what yaml-language-server makes of it: it shows a title in every hover below it,
and joins the descriptions of alternatives if all of them match a value. So a scalar with templates is one schema of
several types where that is possible, alternatives have distinct descriptions, and nothing has a title but "".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from phift.spec.base import ANY_CASE, MEANINGS, Strict
from phift.spec.document import Spec, TargetBlock
from phift.spec.rules import Implied, NumbersAsText, Renamed
from phift.spec.spellings import blocks_below
from phift.spec.targets import FIXED_KEYS

__all__ = ["OVERRIDE", "REF", "SPEC", "Schema", "alternatives", "nullable", "scalar", "structure"]

REF = "#/definitions/"
OVERRIDE = "Override"
"""The end of the names of definitions of overrides."""
SPEC = "Spec"
"""The name of the definition of the whole spec."""
Schema = dict[str, Any]

_INTEGER = r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
_NUMBER = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+"
_FLAG = r"[Tt]rue|TRUE|[Ff]alse|FALSE"
_TEMPLATE = r"(?:^|[^$])\{\{"
"""Matches a template, but not the expressions of Azure, `${{ ... }}`."""
_OR_TEMPLATE = "or a template such as {{ vars.NAME }}"
_TEXT_FORMS = {
    "integer": (_INTEGER, f"Write a whole number, {_OR_TEMPLATE}."),
    "number": (_NUMBER, f"Write a number, {_OR_TEMPLATE}."),
    "boolean": (_FLAG, f"Write true or false, {_OR_TEMPLATE}."),
}
"""How each type is written as text, quoted or by a template, and what to write instead of other values."""


def structure() -> dict[str, Schema]:
    """Return the schemas (draft 7, which editors support best) of the blocks of a spec, without the catalogue.

    SPEC is the schema of a spec, SPEC + OVERRIDE that of a spec that extends another one.
    """
    spec = Spec.model_json_schema(by_alias=True, ref_template=REF + "{model}")
    target = TargetBlock.model_json_schema(by_alias=True, ref_template=REF + "{model}")
    definitions = {name: _relaxed(body) for name, body in (spec.pop("$defs") | target.pop("$defs")).items()}
    spec, target = _relaxed(spec), _relaxed(target)
    every: list[type[Strict]] = [Spec, *blocks_below(Spec)]
    for block in every:
        body = spec if block is Spec else definitions[block.__name__]
        body["properties"] |= _spelled(block, body["properties"], definitions)
    version = {"const": 1, "description": spec["properties"]["version"]["description"]}
    spec["properties"]["version"] = version

    derived = _partial(spec)
    changes = {key: body for key, body in derived["properties"].items() if key not in FIXED_KEYS}
    target["properties"]["workspace"] = nullable(target["properties"]["workspace"])
    target["properties"] |= changes
    target["description"] = "Target of a stack. Its other keys override those of the spec."
    target["type"] = ["object", "null"]
    definitions |= {name + OVERRIDE: _partial(body) for name, body in definitions.items()}
    definitions |= {SPEC: spec, SPEC + OVERRIDE: derived, "Target": target}
    for body in (spec, derived):
        body["properties"]["version"] = version
        body["properties"]["targets"] = {
            "type": "object",
            "description": "Targets of the spec, by name. `local` is built in.",
            "additionalProperties": {"$ref": f"{REF}Target"},
        }
        body["patternProperties"] = {"^x-": {"description": "Free for anchors (&name): phift ignores it."}}
    named = {name: name.replace("Block", "") for name in definitions}
    reachable = sorted(_reachable(definitions[SPEC], definitions) | {SPEC, SPEC + OVERRIDE})
    return {named[name]: _renamed(definitions[name], named) for name in reachable}


def scalar(kind: str, **further: Any) -> Schema:
    """Return the schema of a number or a flag that accepts templates. kind: integer, number or boolean."""
    text, message = _TEXT_FORMS[kind]
    # Editors insert a value by the first type, and a number would be 0.
    types = [kind, "string"] if kind == "boolean" else ["string", kind]
    return {"type": types, "pattern": f"^(?:{text})$|{_TEMPLATE}", "errorMessage": message, **further}


def alternatives(values: list[Any], meanings: Mapping[str, str], *, any_case: bool = False, text: str = "") -> Schema:
    """Return the schema of an enumeration that accepts templates.

    meanings: by value as text. any_case: accept the spellings of `az ml` too. text: pattern of further texts.
    """
    described = {"enumDescriptions": [meanings[str(value)] for value in values]} if meanings else {}
    spellings = [_any_case(value) for value in values] if any_case else [text] if text else []
    pattern = "|".join([*(f"^(?:{spelling})$" for spelling in spellings), _TEMPLATE])
    return {"anyOf": [{"enum": values, **described}, {"type": "string", "pattern": pattern, "description": ""}]}


def _any_case(value: str) -> str:
    """Return a pattern of the spellings of a value: without or with underscores and dashes, in any letter case."""
    letters = [f"[{char.upper()}{char}]" for char in value.replace("_", "")]
    return "[_-]*".join(letters)


def _spelled(block: type[Strict], properties: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return the schemas of the keys that a block accepts in the spelling of `az ml`. Editors do not suggest them."""
    accepted: Schema = {}
    for spelling in block.spellings:
        match spelling:
            case Implied():
                accepted[spelling.key] = {
                    "type": "string",
                    "description": "Accepted from `az ml` YAML, without effect.",
                    "doNotSuggest": True,
                }
            case Renamed():
                folder, _, name = spelling.to.rpartition(".")
                body = (
                    definitions[properties[folder]["$ref"].removeprefix(REF)] if folder else {"properties": properties}
                )
                accepted[spelling.key] = {
                    **body["properties"][name],
                    "description": f"The spelling of `az ml` for `{spelling.to}`.",
                    "doNotSuggest": True,
                }
            case NumbersAsText():
                known = properties[spelling.key]
                inner = known["additionalProperties"]
                numbers = {**inner, "else": {**inner["else"], "type": ["string", "number"]}}
                accepted[spelling.key] = {**known, "additionalProperties": numbers}
    return accepted


def _relaxed(schema: Schema) -> Schema:
    """Remove titles, defaults and null, and allow templates for constrained scalars."""
    result: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            result[key] = {name: _described(_relaxed(body), body) for name, body in value.items()}
        elif key in ("anyOf", "oneOf"):
            result["anyOf"] = _flat([_relaxed(option) for option in value if option != {"type": "null"}])
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            result[key] = _relaxed(value)
        elif key not in ("title", "default", "discriminator"):
            result[key] = value
    options = result.get("anyOf", [])
    if len(options) == 1:
        result = {**result.pop("anyOf")[0], **result}
    objects = [option for option in options if "$ref" in option or option.get("type") == "object"]
    if objects and len(objects) < len(options):
        return result | _union(objects, [option for option in options if option not in objects])
    return _templated(result)


def _union(objects: list[Schema], others: list[Schema]) -> Schema:
    """Return the schema of a mapping or another value. An editor reports the problems of the form that is written.

    Its alternatives reject nothing: editors complete only from alternatives, not from conditions.
    """
    then, otherwise = ({"anyOf": forms} if len(forms) > 1 else forms[0] for forms in (objects, others))
    enums = [option for option in others if "enum" in option]
    return {"anyOf": [{}, *enums], "if": {"type": "object", "title": ""}, "then": then, "else": otherwise}


def _described(schema: Schema, field: Schema) -> Schema:
    """Name the default of a field in its description, and describe the values of a mapping like the field."""
    default, description = field.get("default"), schema.get("description", "")
    values = schema.get("additionalProperties")
    if isinstance(values, dict) and "$ref" not in values and description:
        schema = {**schema, "additionalProperties": {"description": description, **values}}
    if default is None or isinstance(default, list | dict) or "efault" in description:
        return schema
    text = default if isinstance(default, str) else json.dumps(default)
    return {**schema, "description": f"{description} Default: {text}.".lstrip()}


def _templated(schema: Schema) -> Schema:
    """Allow templates for a scalar of a limited form."""
    meanings, any_case = schema.pop(MEANINGS, {}), schema.pop(ANY_CASE, False)
    if "$ref" in schema:
        return schema
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "enum" in schema:
        values = schema.pop("enum")
        given = dict(zip(map(str, values), schema.pop("enumDescriptions", ()), strict=False))
        schema.pop("type", None)
        return {**schema, **alternatives(values, meanings or given, any_case=any_case)}
    if "anyOf" in schema and (meanings or any_case):
        enum = next(option for option in schema["anyOf"] if "enum" in option)
        others = [option for option in schema["anyOf"] if option is not enum and option.get("description") != ""]
        return {**schema, "anyOf": [*alternatives(enum["enum"], meanings, any_case=any_case)["anyOf"], *others]}
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _TEXT_FORMS:
        return {**schema, **scalar(kind)}
    if "pattern" in schema and not schema["pattern"].endswith(_TEMPLATE):
        return {**schema, "pattern": f"{schema['pattern']}|{_TEMPLATE}"}
    return schema


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
            if isinstance(reference, str):
                named["$ref"] = reference + OVERRIDE
            if isinstance(named.get("additionalProperties"), dict):
                named["additionalProperties"] = nullable(named["additionalProperties"])
            return named
        return [renamed(item) for item in value] if isinstance(value, list) else value

    result: Schema = renamed(schema)
    for key, body in result.get("properties", {}).items():
        result["properties"][key] = nullable(body)
    return result


def nullable(schema: Schema) -> Schema:
    """Return a schema that accepts null too, which removes a key of what is overridden."""
    if "else" in schema:
        return {**schema, "else": nullable(schema["else"])}
    if "anyOf" in schema:
        first, *others = schema["anyOf"]
        texts = next((option for option in others if option.get("description") == ""), None)
        if texts is None:
            return {**schema, "anyOf": [first, *others, {"type": "null"}]}
        accepting = {**texts, "type": [texts["type"], "null"]}
        return {**schema, "anyOf": [first, *(accepting if option is texts else option for option in others)]}
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*types, "null"]}
    outer: Schema = {key: schema[key] for key in ("description", "doNotSuggest") if key in schema}
    return {**outer, "anyOf": [{key: body for key, body in schema.items() if key not in outer}, {"type": "null"}]}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a schema with other names of definitions: messages of editors quote them as types."""
    if isinstance(value, dict):
        found = {key: _renamed(item, names) for key, item in value.items()}
        reference = value.get("$ref")
        if isinstance(reference, str):
            found["$ref"] = REF + names[reference.removeprefix(REF)]
        return found
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _reachable(schema: Schema, definitions: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix(REF)
            if name in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found
