"""The final spec: values with their origins, and YAML text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from phift.spec.tree import Node, Origin, OriginKind, Path, dotted
from phift.spec.yaml12 import flow, flow_key

if TYPE_CHECKING:
    from phift.spec.loader import LoadedSpec

__all__ = ["Rendered", "origins_of", "render", "render_yaml"]

_DEFAULT = Origin(OriginKind.PHIFT_DEFAULT)


class Rendered(NamedTuple):
    """A final value. path: dotted; value: a scalar, a list, or an empty mapping."""

    path: str
    value: Any
    origin: Origin


def render(loaded: LoadedSpec, extra: Mapping[str, tuple[Any, Origin]] | None = None) -> list[Rendered]:
    """Return all final values with their origins, in the order of the format, without empty defaults.

    extra: further values (defaults of the model and the component) by dotted path; they override those of the spec.
    Literal secrets are concealed.
    """
    return [Rendered(dotted(path), value, origin) for path, value, origin in _entries(loaded, extra or {})]


def render_yaml(
    loaded: LoadedSpec, extra: Mapping[str, tuple[Any, Origin]] | None = None, *, origins: bool = True
) -> str:
    """Return the final spec as YAML. origins: add the origin of each value as a comment."""
    lines: list[tuple[str, str]] = [(f"# stack {loaded.stack}, target {loaded.target.name}", "")]
    above: Path = ()
    for path, value, origin in _entries(loaded, extra or {}):
        shared = next(
            (i for i, (a, b) in enumerate(zip(above, path, strict=False)) if a != b), min(len(above), len(path))
        )
        lines += [(f"{'  ' * depth}{flow_key(path[depth])}:", "") for depth in range(shared, len(path) - 1)]
        mark = origin.mark
        place = (
            f" (line {mark.line})"
            if mark and mark.line and mark.file == str(loaded.path)
            else f" ({mark})"
            if mark
            else ""
        )
        lines.append((f"{'  ' * (len(path) - 1)}{flow_key(path[-1])}: {flow(value)}", f"{origin}{place}"))
        above = path[:-1]
    if not origins:
        return "".join(f"{text}\n" for text, _ in lines)
    width = min(max(len(text) for text, _ in lines), 70)
    return "".join(f"{text.ljust(width)}  # {comment}\n" if comment else f"{text}\n" for text, comment in lines)


def origins_of(rendered: Mapping[str, Any], tree: Node) -> dict[str, Origin]:
    """Return the origin of every value of a rendered spec by dotted path."""
    return {dotted(path): _origin(tree, path) for path, _ in _leaves(rendered)}


def _entries(loaded: LoadedSpec, extra: Mapping[str, tuple[Any, Origin]]) -> Iterator[tuple[Path, Any, Origin]]:
    values = _with(loaded.shown, {tuple(path.split(".")): value for path, (value, _) in extra.items()})
    for path, value in _leaves(values):
        known = extra.get(dotted(path))
        origin = known[1] if known else _origin(loaded.tree, path)
        if value in ({}, []) and origin.kind is OriginKind.PHIFT_DEFAULT:
            continue
        yield path, value, origin


def _with(values: Mapping[str, Any], extra: Mapping[Path, Any]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(values))
    for path, value in extra.items():
        place = copied
        for key in path[:-1]:
            place = place.setdefault(str(key), {})
        place[str(path[-1])] = value
    return copied


def _leaves(values: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _origin(tree: Node, path: Path) -> Origin:
    node = tree.at(path)
    if node is None:
        near = tree.nearest(path)
        # A reference written as one text renders as one text; a source written as text renders as a mapping.
        return near.origin if isinstance(near.value, str) else _DEFAULT
    if node.items:
        return next((item.origin for item in node.items if item.origin.kind is not OriginKind.SPEC), node.origin)
    return node.origin
