"""docs/reference/spec.md: every field of the spec, from its models, its schema and the examples of the repository."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from pydantic_core import PydanticUndefined

from docs.generate import ROOT
from docs.generate.examples import BY_NAME, EXAMPLES
from phift.explain import explanations
from phift.spec.base import Strict
from phift.spec.document import Spec, TargetBlock
from phift.spec.rules import Implied, Renamed
from phift.spec.targets import FIXED_KEYS

__all__ = ["Field", "example", "fields", "page", "schemas"]

_REF = "#/definitions/"
_HEAD = """\
# Fields of the spec

<!-- Generated: python -m docs.generate -->

Every key that a spec accepts, format 1. Names and units are those of `az ml` YAML where it has an equivalent;
[The spec](../spec.md) shows them in context. `schemas/phift.schema.json` completes and checks them in editors.

- A field without a default is *required* in its block, or not set.
- Scalars accept templates, as in `"{{ vars.epochs }}"`. NAME stands for a name that you choose, `[]` for an entry of a
  list.
- `targets.NAME` can contain every other field too, for one target, except FIXED; `null` removes it there.
"""
Schema = Mapping[str, Any]


class Field:
    """One field. path: from the root of the spec. block: the name of the class that has it."""

    def __init__(self, path: str, block: str, body: Schema, *, default: str, required: bool) -> None:
        self.block = block
        self.path = path
        self.name = path.rpartition(".")[2]
        self.body = body
        self.default = default
        self.required = required
        self.description = str(body.get("description", ""))

    @property
    def refs(self) -> list[tuple[str, str]]:
        """The blocks in the type of the field, with what follows the path of the field."""
        return list(_refs(self.body))


class Section:
    """A block. paths: where it can be."""

    def __init__(self, block: Any, path: str, body: Schema, fields: list[Field]) -> None:
        self.name = str(block.__name__)
        self.spellings = block.spellings
        self.paths = [path]
        self.body = body
        self.fields = fields


def page() -> str:
    """Return the content of docs/reference/spec.md."""
    sections = _sections()
    titles: dict[str, str] = {}
    for section in sections.values():
        path = section.paths[0] or "The top level"
        titles[section.name] = f"{path}, another form" if path in titles.values() else path
    parts = [_HEAD.replace("FIXED", ", ".join(f"`{key}`" for key in FIXED_KEYS))]
    for section in sections.values():
        parts += _section(section, titles)
    return "\n".join(parts)


def fields() -> list[Field]:
    """Return the fields of all blocks."""
    return [field for section in _sections().values() for field in section.fields]


def example(field: Field) -> str:
    """Return a value of the field as YAML in one line; "" if none is known."""
    for key in (f"{field.block}.{field.name}", field.path):
        if key in EXAMPLES:
            return EXAMPLES[key]
    found = _harvest().get(_general(field.path))
    if found is not None:
        return found
    return BY_NAME.get(field.name) or _from_type(field.body)


def _section(section: Section, titles: Mapping[str, str]) -> list[str]:
    parts = [f"## {titles[section.name]}\n"]
    if text := str(section.body.get("description", "")):
        parts.append(f"{text}\n")
    if others := section.paths[1:]:
        parts.append(f"Also: {', '.join(f'`{path}`' for path in others)}.\n")
    parts.append("| field | type | default | meaning | example |\n|---|---|---|---|---|")
    parts += [_row(field, titles) for field in section.fields]
    parts.append("")
    spelled = [f"`{one.key}` for `{one.to}`" for one in section.spellings if isinstance(one, Renamed)]
    spelled += [f"`{one.key}` (no effect)" for one in section.spellings if isinstance(one, Implied)]
    if spelled:
        parts.append(f"Accepted from `az ml` YAML: {', '.join(spelled)}.\n")
    return parts


def _row(field: Field, titles: Mapping[str, str]) -> str:
    default = "*required*" if field.required else f"`{field.default}`" if field.default else ""
    shown = example(field)
    cells = [f"`{field.name}`", _type(field.body, titles), default, _cell(field.description), _code(shown)]
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Text that a table can contain; braces and stars that look like markup are code."""
    text = re.sub(r"(\{\{.*?\}\}|\{[^{}]*\})", r"`\1`", text)
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else ""


@cache
def schemas() -> dict[str, Schema]:
    """Return the JSON schema of every block by its name."""
    found: dict[str, Schema] = {}
    for block in (Spec, TargetBlock):
        schema = block.model_json_schema(by_alias=True, ref_template=_REF + "{model}")
        found |= schema.pop("$defs")
        found[block.__name__] = schema
    found["Spec"]["properties"]["targets"] = {
        "type": "object",
        "description": "Targets of the spec, by name. `local` is built in.",
        "additionalProperties": {"$ref": f"{_REF}TargetBlock"},
    }
    return found


@cache
def _sections() -> dict[str, Section]:
    """All blocks by name, in the order in which a spec shows them."""
    classes = {block.__name__: block for block in _subclasses(Strict)}
    found: dict[str, Section] = {}
    _walk("Spec", "", classes, found)
    return found


def _subclasses(block: type[Strict]) -> Iterator[type[Strict]]:
    for inner in block.__subclasses__():
        yield inner
        yield from _subclasses(inner)


def _walk(name: str, path: str, classes: Mapping[str, Any], found: dict[str, Section]) -> None:
    if name in found:
        found[name].paths.append(path)
        return
    block, body = classes[name], schemas()[name]
    defaults = {info.alias or key: info for key, info in block.model_fields.items()}
    required = set(body.get("required", ()))
    listed = [
        Field(f"{path}.{key}".lstrip("."), name, value, default=_default(defaults.get(key)), required=key in required)
        for key, value in body["properties"].items()
    ]
    found[name] = Section(block, path, body, listed)
    for field in listed:
        for reference, suffix in field.refs:
            _walk(reference, field.path + suffix, classes, found)


def _default(info: Any) -> str:
    """The default of a field as YAML; "" if it is not set then."""
    value = PydanticUndefined if info is None else info.get_default()
    if value in (PydanticUndefined, None, (), "") or (isinstance(value, dict) and not value):
        return ""
    return _yaml(value) if isinstance(value, str | int | float | bool | tuple) else ""


def _refs(body: Schema, suffix: str = "") -> Iterator[tuple[str, str]]:
    if reference := str(body.get("$ref", "")).removeprefix(_REF):
        yield reference, suffix
    for option in _options(body):
        yield from _refs(option, suffix)
    if isinstance(body.get("items"), dict):
        yield from _refs(body["items"], f"{suffix}[]")
    if isinstance(body.get("additionalProperties"), dict):
        yield from _refs(body["additionalProperties"], f"{suffix}.NAME")


def _options(body: Schema) -> list[Schema]:
    """The alternatives of a type, without null."""
    listed = [*body.get("anyOf", ()), *body.get("oneOf", ())]
    return [option for option in listed if option != {"type": "null"}]


def _type(body: Schema, titles: Mapping[str, str]) -> str:
    return " or ".join(dict.fromkeys(_types(body, titles)))


def _types(body: Schema, titles: Mapping[str, str]) -> Iterable[str]:
    if reference := str(body.get("$ref", "")).removeprefix(_REF):
        if reference in titles:
            title = titles[reference]
            yield f"[{title}](#{_anchor(title)})"
        return
    if options := _options(body):
        for option in options:
            yield from _types(option, titles)
        return
    if "const" in body:
        yield f"`{_yaml(body['const'])}`"
    elif "enum" in body:
        yield ", ".join(f"`{_yaml(value)}`" for value in body["enum"])
    elif body.get("type") == "array":
        inner = _type(body["items"], titles) if isinstance(body.get("items"), dict) else "values"
        yield f"list of {inner}"
    elif body.get("type") == "object" and isinstance(body.get("additionalProperties"), dict):
        yield f"map to {_type(body['additionalProperties'], titles) or 'values'}"
    elif body.get("type") == "object":
        yield "mapping"
    elif "type" in body:
        yield _bounded(str(body["type"]), body)


def _bounded(kind: str, body: Schema) -> str:
    lowest = body.get("minimum", body.get("exclusiveMinimum"))
    highest = body.get("maximum", body.get("exclusiveMaximum"))
    if lowest is not None and highest is not None:
        return f"{kind}, {lowest:g} to {highest:g}"
    if lowest is not None:
        return f"{kind}, {'above' if 'exclusiveMinimum' in body else 'at least'} {lowest:g}"
    return f"{kind}, at most {highest:g}" if highest is not None else kind


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _yaml(value: Any) -> str:
    """A value as YAML in one line."""
    plain = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def _from_type(body: Schema) -> str:
    """A value that follows from the type."""
    for option in [body, *_options(body)]:
        if option.get("enum"):
            return _yaml(option["enum"][-1])
        if option.get("type") == "boolean":
            return "true"
    return ""


def _general(path: str) -> str:
    """The path with the same word for every chosen name and entry."""
    return re.sub(r"\[\]", ".*", re.sub(r"\bNAME\b", "*", path))


@cache
def _harvest() -> dict[str, str]:
    """A short value of each path in the examples of the repository: of configs/, else of `phift explain`."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "configs").glob("*.yaml"))]
    texts += [one.good for one in explanations().values() if one.run and not one.run.startswith("rows")]
    known = {_general(field.path) for field in fields()}
    found: dict[str, str] = {}
    for text in texts:
        content = yaml.safe_load(text)
        for path, value in _values(content if isinstance(content, dict) else {}, "", known):
            shown = _yaml(value)
            if path not in found and len(shown) <= 80 and value not in ({}, []) and "{{" not in shown:
                found[path] = shown
    return found


def _values(content: Mapping[str, Any], path: str, known: set[str]) -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        for inner in {f"{path}.{key}".lstrip("."), f"{path}.*".lstrip(".")}:
            if inner in known:
                yield inner, value
            entries = value if isinstance(value, list) else ()
            for below, place in [(value, inner), *((entry, f"{inner}.*") for entry in entries)]:
                if isinstance(below, dict):
                    yield from _values(below, place, known)
