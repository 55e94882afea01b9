"""`matrix`: one spec, a stack for each combination of some variables' values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from phift.diagnostics import Diagnostic
from phift.spec import yaml12
from phift.spec.templating import is_template
from phift.spec.tree import Node, Origin, OriginKind

__all__ = ["Cell", "cells", "chosen", "sibling_names"]

_MOST = 10_000
_LONGEST = 40
"""Characters of a stack's name without its target: endpoints, jobs and data are named after it."""


@dataclass(frozen=True)
class Cell:
    """One combination. values: by variable. label: what its stack's name ends in, "" where there is no matrix."""

    values: Mapping[str, Node] = field(default_factory=dict)
    label: str = ""

    @property
    def plain(self) -> dict[str, Any]:
        """The values alone."""
        return {name: node.value for name, node in self.values.items()}

    @property
    def variables(self) -> dict[str, str]:
        """As `--var` takes them."""
        return {name: _as_text(value) for name, value in self.plain.items()}

    def stack(self, name: str) -> str:
        """The stack's name without its target."""
        return f"{name}-{self.label}" if self.label else name


def cells(root: Node) -> tuple[list[Cell], list[Diagnostic]]:
    """Every combination, the last variable turning fastest; one without values where there is no matrix."""
    node = root.child("matrix")
    if node is None or node.value is None:
        return [Cell()], []
    if not node.mapping:
        return [], [_wrong("matrix must be a mapping of variables to lists of values", node, "matrix")]
    axes: dict[str, list[tuple[str, Node]]] = {}
    found: list[Diagnostic] = []
    for name, values in node.mapping.items():
        axis, wrong = _axis(name, values)
        axes[name] = axis
        found += wrong
    count = 1
    for axis in axes.values():
        count *= len(axis)
    if count > _MOST:
        found.append(_wrong(f"matrix makes {count} stacks; at most {_MOST} are possible", node, "matrix"))
    if found:
        return [], found
    made = [
        Cell({name: value for name, (_, value) in zip(axes, picked, strict=True)}, "-".join(s for s, _ in picked))
        for picked in itertools.product(*axes.values())
    ]
    return made, [*_too_long(root, made, node), *_same_names(made, node)]


def chosen(all_cells: list[Cell], variables: Mapping[str, str], root: Node) -> tuple[list[Cell], list[Diagnostic]]:
    """The cells that `--var` leaves: naming a matrix variable picks one of its values."""
    axes = {name for cell in all_cells for name in cell.values}
    node = root.child("matrix")
    left = all_cells
    for name in axes & set(variables):
        wanted = _read(variables[name])
        narrowed = [c for c in left if _same(c.values[name].value, wanted)]
        if not narrowed:
            values = dict.fromkeys(yaml12.flow(c.values[name].value) for c in all_cells)
            return [], [
                replace(
                    _wrong(f"matrix.{name} has no value {variables[name]}", node or root, f"matrix.{name}"),
                    remedy=f"Its values: {', '.join(values)}.",
                )
            ]
        left = narrowed
    return left, []


def sibling_names(root: Node, all_cells: list[Cell]) -> frozenset[str]:
    """Every stack that the file makes, on any target; empty without a matrix, or when its name is a template."""
    name = root.child("name")
    if (
        name is None
        or not isinstance(name.value, str)
        or is_template(name.value)
        or not any(c.label for c in all_cells)
    ):
        return frozenset()
    targets = root.child("targets")
    ends = ["", "-local", *(f"-{target}" for target in (targets.mapping if targets else None) or ())]
    return frozenset(cell.stack(name.value) + end for cell in all_cells for end in ends)


def _axis(name: str, values: Node) -> tuple[list[tuple[str, Node]], list[Diagnostic]]:
    """Each value with its slug."""
    path = f"matrix.{name}"
    if not values.items:
        return [], [replace(_wrong(f"{path} must be a list of values", values, path), remedy=f"Write {name}: [1, 2].")]
    axis: list[tuple[str, Node]] = []
    found: list[Diagnostic] = []
    for item in values.items:
        if not isinstance(item.value, str | int | float | bool) or (
            isinstance(item.value, str) and is_template(item.value)
        ):
            found.append(
                _wrong(f"{path}: a value must be a number, text, true or false, without templates", item, path)
            )
            continue
        slug = re.sub(r"[^a-z0-9]+", "-", _spelled(item.value)).strip("-")
        if not slug:
            found.append(_wrong(f"{path}: {yaml12.flow(item.value)} has no letter or digit for a name", item, path))
        elif slug in (other for other, _ in axis):
            found.append(_wrong(f"{path}: two of its values are both {slug} in a name", item, path))
        else:
            axis.append((slug, replace(item, origin=Origin(OriginKind.VAR, name, item.mark), key_mark=item.mark)))
    return axis, found


def _spelled(value: Any) -> str:
    return yaml12.flow(value).strip('"').lower()


def _too_long(root: Node, made: list[Cell], node: Node) -> list[Diagnostic]:
    name = root.child("name")
    text = name.value if name is not None and isinstance(name.value, str) and not is_template(name.value) else ""
    longest = max((c.stack(text) for c in made), key=len)
    if len(longest) <= _LONGEST:
        return []
    summary = f"the stack's name {longest} has {len(longest)} characters; at most {_LONGEST} are possible"
    return [replace(_wrong(summary, node, "matrix"), remedy="Shorten the name or the values of the matrix.")]


def _same_names(made: list[Cell], node: Node) -> list[Diagnostic]:
    labels = [c.label for c in made]
    double = next((label for label in labels if labels.count(label) > 1), "") if len(set(labels)) < len(labels) else ""
    return [_wrong(f"two combinations of matrix make the same name: ...-{double}", node, "matrix")] if double else []


def _wrong(summary: str, node: Node, path: str) -> Diagnostic:
    return Diagnostic(summary, mark=node.name_mark, path=path, code="matrix")


def _read(text: str) -> Any:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else yaml12.plain_scalar(text)


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        return yaml12.flow(value)
    return value if _same(_read(value), value) else f'"{value}"'


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
