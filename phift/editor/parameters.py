"""The schemas of `finetune.parameters`, by component and by base model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from phift.catalog import AS_OF, CatalogModel, Component, ComponentInput, component, models
from phift.catalog.rules import rules
from phift.kinds.job.component import managed_input
from phift.kinds.job.tasks import CHAT, TASKS
from phift.spec.forms import FILE
from phift.spec.jsonschema import REF, Schema, alternatives, scalar

__all__ = ["SUPPORTED", "conditions", "definitions", "texts"]

SUPPORTED = (CHAT, *TASKS)
"""The components whose parameters the schema knows."""

_KEYS = ("parameters", "hyperparameters", "inputs")
"""The keys of the parameters in `finetune`: that of phift, and those of `az ml`."""
_BOUNDS = {"minimum": "minimum", "maximum": "maximum", "above": "exclusiveMinimum", "below": "exclusiveMaximum"}
_NO_TITLE: Schema = {"title": ""}
"""In conditions: tells their schemas from alternatives, whose descriptions editors would join in a hover."""


@cache
def texts() -> Mapping[str, Mapping[str, Any]]:
    """Return what the inputs mean: by name, `text` and, of enumerations, `values`."""
    import yaml

    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
        files("phift.editor").joinpath("parameters.yaml").read_text(encoding="utf-8")
    )
    return found


def definitions() -> dict[str, Schema]:
    """Return the definitions of the parameters of each component, and of those that models recommend."""
    found = {}
    for name in SUPPORTED:
        if (known := component(name)) is not None:
            found[_name_of(name)] = _of_component(known)
            found |= {_version_of(name, exact=exact): _of_version(known, exact=exact) for exact in (False, True)}
    for number, (_, shared) in enumerate(_recommending()):
        found[_recommended(number)] = _of_models(shared)
    return found


def conditions() -> list[Schema]:
    """Return the conditions of the spec that lead to these definitions.

    Those of models come first: an editor shows the first description.
    """
    of_models = [
        {
            "if": {
                "properties": {"base_model": _matching(f"/models/(?:{_either(names)})/")},
                "required": ["base_model"],
            },
            "then": _reaching(_recommended(number)),
        }
        for number, (names, _) in enumerate(_recommending())
    ]
    return [*of_models, *(_of_one_component(name, exact=exact) for name in SUPPORTED for exact in (False, True))]


def _of_one_component(name: str, *, exact: bool) -> Schema:
    """Return the condition of a component: exact, if the spec names the catalogued version, otherwise its newest."""
    chosen = {"properties": {"component": _matching(_pattern_of(name, exact=exact))}, "required": ["component"]}
    if name != CHAT or exact:
        asked: Schema = {"properties": {"finetune": chosen | _NO_TITLE}, "required": ["finetune"]}
    else:
        # The component of a spec that extends another one may be written there.
        default = {"properties": {"finetune": {"properties": {"component": False}, **_NO_TITLE}, "extends": False}}
        named: Schema = {"properties": {"finetune": chosen | _NO_TITLE}, "required": ["finetune"]}
        asked = {"anyOf": [named, default]}
    return {"if": asked | _NO_TITLE, "then": _reaching(_version_of(name, exact=exact))}


def _pattern_of(name: str, *, exact: bool) -> str:
    """Return the pattern of references to the catalogued version of a component, or to its newest one."""
    known = component(name)
    version = re.escape(known.version) if known else ""
    return f"/components/{name}/" + (f"versions/{version}$" if exact else "labels/")


def _reaching(name: str) -> Schema:
    """Return the schema of a spec whose parameters, and those of its targets, are those of a definition."""
    # Editors ignore what is next to a $ref; the keys themselves are suggested by the block.
    below = {"properties": {key: {"allOf": [{"$ref": REF + name}], "doNotSuggest": True} for key in _KEYS}}
    of_target = {"if": {"properties": {"component": False}, **_NO_TITLE}, "then": below}
    return {
        "properties": {"finetune": below, "targets": {"additionalProperties": {"properties": {"finetune": of_target}}}}
    }


def _of_component(known: Component) -> Schema:
    return {
        "properties": {
            name: _nullable(_of_input(declared)) | {"description": _described(declared)}
            for name, declared in known.inputs.items()
            if managed_input(name) is None
        }
    }


def _of_version(known: Component, *, exact: bool) -> Schema:
    """Return the parameters of a component, and which others it may have.

    exact: whether the catalogued version is the one in use. An unknown parameter is then invalid; otherwise it is valid
    with a warning, as for `phift validate`. `deprecationMessage` is the only warning that schemas of editors have.
    """
    inputs = [name for name in known.inputs if managed_input(name) is None]
    managed = [name for name in known.inputs if name not in inputs]
    unknown = f"Not an input of {known.name}:{known.version} ({AS_OF})"
    below = {"allOf": [{"$ref": REF + _name_of(known.name)}]}
    if exact:
        return {**below, "propertyNames": {"enum": inputs, "errorMessage": f"{unknown}.", **_NO_TITLE}}
    names = {"pattern": f"^(?!(?:{_either(managed)})$)", "errorMessage": "phift sets this input itself.", **_NO_TITLE}
    return {
        **below,
        "propertyNames": names,
        "patternProperties": {f"^(?:{_either([*inputs, *managed])})$": {}},
        "additionalProperties": {"deprecationMessage": f"{unknown}; the version in use may have it."},
    }


def _nullable(schema: Schema) -> Schema:
    """Accept null too, which removes a parameter in a target, without editors that offer it.

    Elsewhere the block rejects it.
    """
    outer = {key: schema[key] for key in ("default",) if key in schema}
    inner = {key: value for key, value in schema.items() if key not in outer}
    options = inner["anyOf"] if set(inner) == {"anyOf"} else [inner]
    return {**outer, "anyOf": [*options, {"not": {"not": {"type": "null"}}}]}


def _of_input(declared: ComponentInput) -> Schema:
    """Return the schema of the values of an input."""
    if declared.is_flag:
        return {**scalar("boolean"), "default": declared.default in (True, "true")}
    default = {} if declared.default is None else {"default": _plain(declared, declared.default)}
    if declared.enum:
        values = [_plain(declared, value) for value in declared.enum]
        meanings = texts().get(declared.name, {}).get("values", {})
        return {**alternatives(values, meanings, text="|".join(map(re.escape, declared.enum))), **default}
    if declared.type in ("integer", "number"):
        return {**scalar(declared.type, **_bounds_of(declared)), **default}
    if declared.is_literal:
        return {"type": ["string", "number", "boolean"], **default}
    return {"anyOf": [{"type": "string"}, FILE]}


def _bounds_of(declared: ComponentInput) -> Schema:
    """Return the bounds that the component declares, and those that the trainer always enforces."""
    found: Schema = {}
    for rule in rules():
        if rule.parameter == declared.name and rule.bounds and not rule.when and rule.severity == "error":
            found |= {_BOUNDS[name]: _short(bound) for name, bound in rule.bounds.items()}
    if declared.minimum is not None and "exclusiveMinimum" not in found:
        found["minimum"] = _short(max(declared.minimum, found.get("minimum", declared.minimum)))
    if declared.maximum is not None and "exclusiveMaximum" not in found:
        found["maximum"] = _short(min(declared.maximum, found.get("maximum", declared.maximum)))
    return found


def _described(declared: ComponentInput) -> str:
    """Return the meaning of an input, its type with bounds, and the default of the component."""
    text = texts().get(declared.name, {}).get("text", "")
    facts = [_kind_of(declared)]
    if declared.default is not None:
        facts.append(f"default of the component: {_shown(_plain(declared, declared.default))}")
    return f"{text}\n{'; '.join(facts)}."


def _kind_of(declared: ComponentInput) -> str:
    if declared.is_flag:
        return "True or false"
    if declared.enum:
        return f"One of {len(declared.enum)} values"
    bounds = _bounds_of(declared)
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    limits = " ".join(f"{word} {_shown(bounds[name])}" for name, word in words.items() if name in bounds)
    kind = {"integer": "Whole number", "number": "Number", "string": "Text"}.get(
        declared.type, "File, relative to the spec"
    )
    return f"{kind} {limits}".rstrip()


def _recommending() -> list[tuple[list[str], CatalogModel]]:
    """Return the models of the supported tasks that recommend parameters, grouped by what they recommend."""
    groups: dict[str, tuple[list[str], CatalogModel]] = {}
    for name, model in models().items():
        if model.defaults:
            key = json.dumps([dict(model.defaults), _components_of(model)], sort_keys=True)
            groups.setdefault(key, ([], model))[0].append(name)
    return list(groups.values())


def _components_of(model: CatalogModel) -> list[str]:
    """Return the supported components of the tasks of a model."""
    tasks = {CHAT: "chat-completion", **{name: task.name for name, task in TASKS.items()}}
    return [name for name in SUPPORTED if tasks[name] in model.finetune_tasks]


def _of_models(model: CatalogModel) -> Schema:
    """Return the parameters that a model recommends, as defaults with a description of their own."""
    properties: Schema = {}
    names = next(names for names, shared in _recommending() if shared is model)
    for name, value in model.defaults.items():
        declared = _declared(model, name)
        if declared is None or declared.check(value, text_numbers=True):
            continue
        plain = _plain(declared, declared.canonical(value))
        which = "the base model" if len(names) > 2 else " and ".join(names)
        advice = f"{_described(declared)[:-1]}; recommended for {which}: {_shown(plain)}."
        properties[name] = {"default": plain, "description": advice}
    return {"properties": properties}


def _declared(model: CatalogModel, name: str) -> ComponentInput | None:
    """Return the input of a recommended parameter, if every component of the tasks of the model has it."""
    found = [known.inputs.get(name) for one in _components_of(model) if (known := component(one)) is not None]
    every = [declared for declared in found if declared is not None]
    usable = every and len(every) == len(found) and every[0].is_literal and managed_input(name) is None
    return every[0] if usable else None


def _plain(declared: ComponentInput, value: Any) -> Any:
    """Return a canonical value as YAML would have it: true instead of "true", 16 instead of "16"."""
    if declared.is_flag:
        return value in (True, "true")
    if declared.enum and re.fullmatch("[0-9]+", str(value)):
        return int(value)
    return value


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return re.sub(r"e([-+])0*", r"e\1", f"{value:g}")
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _short(bound: float) -> int | float:
    return int(bound) if float(bound).is_integer() else bound


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern, **_NO_TITLE}


def _either(names: list[str]) -> str:
    return "|".join(re.escape(name).replace("\\-", "-") for name in names)


def _name_of(name: str) -> str:
    return f"parameters.{name}"


def _version_of(name: str, *, exact: bool) -> str:
    return f"{_name_of(name)}.{'catalogued' if exact else 'newest'}"


def _recommended(number: int) -> str:
    return f"recommended.{number}"
