"""Convert Pydantic's errors to diagnostics with a position in the file and a remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from phift.diagnostics import LISTED, Diagnostic, nearest
from phift.spec.document import Spec
from phift.spec.references import SecretRef
from phift.spec.targets import FIXED_KEYS, OWN_KEYS
from phift.spec.tree import BROKEN, Node, OriginKind, Path, dotted, walk

__all__ = ["diagnose", "known_keys"]

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_INNER = (("compute", "finetune"), ("data", "train"))
"""Blocks below others, besides those at the top of a spec, whose keys are often written in a wrong place."""
_FEW = 2
"""Most blocks that a remedy names."""
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def diagnose(error: ValidationError, root: Node, model: type[BaseModel], base: Path = ()) -> list[Diagnostic]:
    """Return a diagnostic for each error of validating `root` (at `base` in its document) as `model`."""
    found: list[Diagnostic] = []
    for detail in error.errors(include_url=False):
        path = tuple(part for part in detail["loc"] if not _is_tag(part))
        node = root.at(path)
        if (
            node is not None
            and detail["type"] != "extra_forbidden"
            and (_is_reported(node, model) or _has_broken(node))
        ):
            continue  # another check reports it
        if detail["type"] in _WANTED and SecretRef.is_written(detail["input"]):
            continue  # the check for stray secrets reports it
        found.append(_one(detail, path, node, root, model, base, suggest=len(found) < LISTED))
    return found


def known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Return the valid keys of the block at a path; empty if it is not a block."""
    current: type[BaseModel] | None = model
    in_mapping = False
    for part in path:
        if isinstance(part, int):
            continue  # an item of a list, whose block the field of the list allows
        if in_mapping:
            in_mapping = False
            continue
        if current is None:
            return []
        field = next((f for name, f in current.model_fields.items() if (f.alias or name) == part), None)
        if field is None:
            return []
        in_mapping = _is_mapping(field.annotation)
        current = _block_in(field.annotation)
    return [field.alias or name for name, field in current.model_fields.items()] if current else []


def _keys_of_file(model: type[BaseModel], path: Path, written: Path) -> list[str]:
    """Return the valid keys of a block in the file. written: the path of one of its keys there.

    At the top of a spec, `targets` is valid too, although a rendered Spec does not have it; the overrides of a target
    are merged into that Spec, but the block in the file is the target.
    """
    keys = known_keys(model, path)
    if model is not Spec or path:
        return keys
    if written[:1] == ("targets",) and len(written) > 1:
        return [*OWN_KEYS, *(key for key in keys if key not in FIXED_KEYS)]
    return [*keys, "targets"]


def _one(
    detail: ErrorDetails,
    path: Path,
    node: Node | None,
    root: Node,
    model: type[BaseModel],
    base: Path,
    *,
    suggest: bool,
) -> Diagnostic:
    near = root.nearest(path)
    written = dotted(node.written) if node is not None and node.written else dotted((*base, *path))
    mark = near.name_mark if detail["type"] in ("extra_forbidden", "missing") else near.mark
    context = detail.get("ctx", {})
    # Pydantic's error types are not stable: those without a case below are reported as invalid values.
    summary, remedy, code = f"{written}: {detail['msg']}", "", "invalid-value"
    value = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            key = str(path[-1])
            summary, code = f"{written}: unknown key {key!r}", "unknown-key"
            if suggest:
                keys = _keys_of_file(model, path[:-1], node.written if node is not None else ())
                close = nearest(key, keys, cutoff=0.7)
                remedy = f"Did you mean {close}?" if close else _elsewhere(key, path, keys)
        case "missing":
            summary, code = f"{written} is missing", "missing"
            remedy = "Add version: 1 as the first line." if path == ("version",) else ""
        case "literal_error":
            summary, remedy, code = _literal(written, str(context.get("expected", "")), value)
        case "phift":
            summary, remedy = f"{written or 'the spec'} {context['summary']}", str(context["remedy"])
            code = "invalid-value"
        case "string_too_short":
            summary, code = f"{written} is empty", "invalid-value"
        case "finite_number":
            summary, code = f"{written} must be a finite number, got {describe(value)}", "invalid-value"
        case kind if kind in _BOUNDS:
            words, key = _BOUNDS[kind]
            summary, code = f"{written} must be {words} {context[key]:g}, got {describe(value)}", "invalid-value"
        case kind if kind in _WANTED:
            templated = node is not None and node.origin.kind in (OriginKind.VAR, OriginKind.ENV)
            summary, remedy = _wrong_type(
                written, _WANTED[kind], value, "" if templated else str(path[-1]) if path else ""
            )
            code = "wrong-type"
    return Diagnostic(summary, remedy=remedy, mark=mark, path=dotted((*base, *path)), code=code)


def _elsewhere(key: str, path: Path, keys: list[str]) -> str:
    """Return the remedy for a key that its block does not have: the block that does, or the keys of its own."""
    places = [place for place, known in _blocks().items() if key in known and place != dotted(path[:-1])]
    if 0 < len(places) <= _FEW:
        return f"Write it under `{'` or `'.join(places)}`: check the indentation."
    return f"Valid keys: {', '.join(keys)}." if keys else ""


@cache
def _blocks() -> Mapping[str, frozenset[str]]:
    """Return the keys of the blocks of a spec by the path of the block."""
    places = [(field.alias or name,) for name, field in Spec.model_fields.items()]
    found = {dotted(place): frozenset(known_keys(Spec, place)) for place in [*places, *_INNER]}
    return {place: keys for place, keys in found.items() if keys}


def describe(value: Any) -> str:
    """Describe a value in the terms of the spec."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            line = " ".join(value.split())
            return f'text "{line if len(line) <= 60 else line[:57] + "..."}"'
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return str(value)


def _wrong_type(written: str, wanted: str, value: Any, key: str) -> tuple[str, str]:
    """Return summary and remedy. key: the key of the value, empty if a template produced it."""
    summary = f"{written} must be {wanted}, got {describe(value)}"
    if isinstance(value, str) and "number" in wanted:
        if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", value):
            kind = "int" if "whole" in wanted else "float"
            return summary, f"Write it without quotes: {key}: {value}" if key else f"Add `| {kind}` to the template."
        return summary, ""
    if isinstance(value, str) and wanted == "true or false":
        yes = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
        return summary, f"Write {key}: {yes[value.lower()]}." if value.lower() in yes else ""
    if wanted == "text" and isinstance(value, bool | int | float):
        return summary, f'Quote it: {key}: "{describe(value)}"' if key else "Add `| string` to the template."
    if wanted == "a list":
        return summary, f"Write {key}: [{value}]." if isinstance(value, str) else ""
    return summary, ""


def _literal(written: str, expected: str, value: Any) -> tuple[str, str, str]:
    allowed = re.findall(r"'([^']*)'", expected) or [expected]
    summary = f"{written} must be {' or '.join(allowed)}, got {describe(value)}"
    close = nearest(value.lower(), allowed) if isinstance(value, str) else ""
    return summary, f"Did you mean {close}?" if close else "", "invalid-value"


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith("<") and part.endswith(">")


def _is_reported(node: Node, model: type[BaseModel]) -> bool:
    """Return whether another check reports values that are missing: this holds for a Spec only."""
    return node.value is None and model is Spec


def _has_broken(node: Node) -> bool:
    return any(leaf.value is BROKEN for _, leaf in walk(node))


def _is_mapping(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_mapping(get_args(annotation)[0])
    return get_origin(annotation) is dict


def _block_in(annotation: Any) -> type[BaseModel] | None:
    """Return the block that an annotation allows. Unions of the spec never contain two."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := _block_in(argument):
            return found
    return None
