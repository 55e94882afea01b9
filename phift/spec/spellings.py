"""Convert what `az ml` YAML spells differently to the keys of phift, with the positions of the file.

Each block lists its other spellings (`Strict.spellings`). The conversion runs on the tree of each file, before files
and targets are merged, so that an override in one spelling replaces a value in the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

from phift.diagnostics import Diagnostic
from phift.spec.base import Strict
from phift.spec.document import Spec
from phift.spec.rules import Elsewhere, Implied, NumbersAsText, Renamed
from phift.spec.tree import Node, dotted

__all__ = ["blocks_below", "respelled"]

Children = dict[str, Node]


def respelled(root: Node) -> tuple[Node, list[Diagnostic]]:
    """Return the tree of a spec in the spelling of phift, and the problems of other spellings, which are removed."""
    found: list[Diagnostic] = []
    root = _block(root, Spec, found)
    targets = root.child("targets")
    if targets is not None and targets.mapping is not None:
        each = {name: _block(node, Spec, found) for name, node in targets.mapping.items()}
        root = root.with_value({**(root.mapping or {}), "targets": targets.with_value(each)})
    return root, found


def _block(node: Node, block: type[Strict], found: list[Diagnostic]) -> Node:
    if node.mapping is None:
        return node
    children = dict(node.mapping)
    for spelling in block.spellings:
        if spelling.key in children:
            match spelling:
                case Renamed():
                    found += _rename(children, spelling)
                case Implied():
                    found += _implied(children.pop(spelling.key), spelling)
                case Elsewhere():
                    found.append(_elsewhere(children.pop(spelling.key), spelling))
                case NumbersAsText():
                    children[spelling.key] = _as_text(children[spelling.key])
    below = _below(block)
    for key, child in children.items():
        if inner := below.get(key):
            children[key] = _each(child, inner, found)
    return node.with_value(children)


def blocks_below(block: type[Strict]) -> set[type[Strict]]:
    """Return all blocks below a block, directly or not."""
    inner = {below.block for below in _below(block).values()}
    for one in list(inner):
        inner |= blocks_below(one)
    return inner


class _Inner(NamedTuple):
    """The block of a field. several: the field is a mapping of names to such blocks."""

    block: type[Strict]
    several: bool


def _each(node: Node, inner: _Inner, found: list[Diagnostic]) -> Node:
    if not inner.several:
        return _block(node, inner.block, found)
    if node.mapping is None:
        return node
    return node.with_value({name: _block(child, inner.block, found) for name, child in node.mapping.items()})


def _rename(children: Children, spelling: Renamed) -> Iterator[Diagnostic]:
    node = children.pop(spelling.key)
    *folders, name = spelling.to.split(".")
    way: list[Children] = [children]
    for folder in folders:
        inside = way[-1].get(folder)
        if inside is not None and inside.mapping is None:
            return  # reported as a value of the wrong type
        way.append(dict((inside.mapping if inside else None) or {}))
    if name in way[-1]:
        yield _twice(node, spelling.to)
        return
    way[-1][name] = node
    for depth in reversed(range(len(folders))):
        place = way[depth].get(folders[depth], node)
        way[depth][folders[depth]] = place.with_value(way[depth + 1])


def _twice(node: Node, to: str) -> Diagnostic:
    return Diagnostic(
        f"{dotted(node.written)} and {to} are the same setting",
        remedy=f"Keep {to}.",
        mark=node.name_mark,
        path=dotted(node.written),
        code="yaml-duplicate-key",
    )


def _implied(node: Node, spelling: Implied) -> Iterator[Diagnostic]:
    text = node.value.lower() if isinstance(node.value, str) else None
    if text is None or (spelling.values and text not in spelling.values):
        yield Diagnostic(
            f"{dotted(node.written)} must be {' or '.join(spelling.values) or 'text'}",
            remedy=spelling.remedy,
            mark=node.mark,
            path=dotted(node.written),
            code="invalid-value",
        )


def _elsewhere(node: Node, spelling: Elsewhere) -> Diagnostic:
    return Diagnostic(
        f"{dotted(node.written)}: unknown key {spelling.key!r}",
        remedy=spelling.remedy,
        mark=node.name_mark,
        path=dotted(node.written),
        code="unknown-key",
    )


def _as_text(node: Node) -> Node:
    if node.mapping is None:
        return node
    return node.with_value(
        {name: child.with_value(child.text) if child.text else child for name, child in node.mapping.items()}
    )


@cache
def _below(block: type[Strict]) -> Mapping[str, _Inner]:
    """Return the blocks below a block, by key."""
    below = {}
    for name, field in block.model_fields.items():
        if (inner := _inner(field.annotation)) is not None:
            below[field.alias or name] = inner
    return below


def _inner(annotation: Any, several: bool = False) -> _Inner | None:
    """Return the block in the type of a field, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return _Inner(annotation, several)
    several = several or get_origin(annotation) is dict
    return next((found for inner in get_args(annotation) if (found := _inner(inner, several)) is not None), None)
