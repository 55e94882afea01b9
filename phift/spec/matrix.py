"""`matrix`: one spec, with a stack for each combination of the values of variables."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from phift.diagnostics import Diagnostic
from phift.spec import yaml12
from phift.spec.templating import is_template
from phift.spec.tree import Node, Origin, OriginKind, walk

__all__ = ["MAX_STACKS", "Cell", "cells", "chosen", "sibling_names", "too_many"]

MAX_STACKS = 2_000
"""Default maximum number of stacks of a run."""

_VALUES_EACH = 500
"""Number of values per spec that the limit of stacks assumes; fewer stacks can have more values."""

_BILLION = 10**9
_TOLD = 50  # values in a message
_LONGEST = 40
"""Maximum length of a stack name without its target; endpoints, jobs and data are named after it."""


class Cell(NamedTuple):
    """A combination. values: by variable. label: the suffix of the stack name, "" without a matrix."""

    values: Mapping[str, Node] = MappingProxyType({})
    label: str = ""

    @property
    def plain(self) -> dict[str, Any]:
        """The plain values by variable."""
        return {name: node.value for name, node in self.values.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The values as arguments of `--var`."""
        return {name: _as_text(value) for name, value in self.plain.items()}

    def stack(self, name: str) -> str:
        """Return the name of the stack without its target."""
        return f"{name}-{self.label}" if self.label else name


def too_many(root: Node, most: int) -> Diagnostic | None:
    """Return an error if a file defines too many stacks (combinations of its matrix times targets) or values.

    Counts without building the stacks.
    """
    matrix, targets = root.child("matrix"), root.child("targets")
    count = 1
    for values in ((matrix.mapping if matrix else None) or {}).values():
        count *= max(len(values.items or ()), 1)
    places = max(len((targets.mapping if targets else None) or ()), 1)
    blamed, path = (matrix, "matrix") if count > 1 else (targets, "targets")
    if blamed is None or count * places == 1:
        return None
    what = f"{_large(count)} combinations" if places == 1 else f"{_large(count)} combinations on {places} targets"
    what = f"{places} targets" if count == 1 else what
    remedy = "Split the spec, or raise the limit" + (f": --max-stacks {count * places}." if count < _BILLION else ".")
    if count * places > most:
        summary = f"the spec defines {what}; a run has at most {most} stacks"
        return Diagnostic(summary, remedy=remedy, mark=blamed.name_mark, path=path, code="max-stacks")
    size = sum(_size(child) for key, child in (root.mapping or {}).items() if key not in ("matrix", "targets"))
    if count * (places * size + (_size(targets) if targets else 0)) > most * _VALUES_EACH:
        summary = f"the spec defines {what} of {size} values each; the limit is {most * _VALUES_EACH} values in total"
        remedy = "Split the spec, or raise --max-stacks, from which this limit is derived."
        return Diagnostic(summary, remedy=remedy, mark=blamed.name_mark, path=path, code="max-stacks")
    return None


def _size(node: Node) -> int:
    return sum(1 for _ in walk(node))


def _large(number: int) -> str:
    return str(number) if number < _BILLION else "more than a billion"


def cells(root: Node) -> tuple[list[Cell], list[Diagnostic]]:
    """Return all combinations; the last variable changes fastest. Without a matrix: one combination without values.

    Call `too_many` first: this builds all combinations.
    """
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
    if found:
        return [], found
    combinations = [
        Cell({name: value for name, (_, value) in zip(axes, picked, strict=True)}, "-".join(s for s, _ in picked))
        for picked in itertools.product(*axes.values())
    ]
    return combinations, [*_too_long(root, combinations, node), *_same_names(combinations, node)]


def chosen(all_cells: list[Cell], variables: Mapping[str, str], root: Node) -> tuple[list[Cell], list[Diagnostic]]:
    """Return the cells that `--var` selects: setting a matrix variable selects one of its values."""
    axes = {name for cell in all_cells for name in cell.values}
    node = root.child("matrix")
    left = all_cells
    for name in axes & set(variables):
        wanted = _read(variables[name])
        narrowed = [c for c in left if _same(c.values[name].value, wanted)]
        if not narrowed:
            values = list(dict.fromkeys(yaml12.flow(c.values[name].value) for c in all_cells))
            listed = ", ".join(values[:_TOLD]) + (f" and {len(values) - _TOLD} more" if len(values) > _TOLD else "")
            return [], [
                replace(
                    _wrong(f"matrix.{name} has no value {variables[name]}", node or root, f"matrix.{name}"),
                    remedy=f"Values: {listed}.",
                )
            ]
        left = narrowed
    return left, []


def sibling_names(root: Node, all_cells: list[Cell]) -> frozenset[str]:
    """Return the names of all stacks of the file, on any target; empty without a matrix, or if the name is a
    template."""
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
    """Return each value with its slug, and the problems."""
    path = f"matrix.{name}"
    if not values.items:
        return [], [replace(_wrong(f"{path} must be a list of values", values, path), remedy=f"Write {name}: [1, 2].")]
    axis: list[tuple[str, Node]] = []
    slugs: set[str] = set()
    found: list[Diagnostic] = []
    for item in values.items:
        if not isinstance(item.value, str | int | float | bool) or (
            isinstance(item.value, str) and is_template(item.value)
        ):
            found.append(
                _wrong(f"{path}: a value must be a number, text, true or false, without templates", item, path)
            )
            continue
        if isinstance(item.value, float) and not math.isfinite(item.value):
            found.append(_wrong(f"{path}: a number must be finite", item, path))
            continue
        slug = re.sub(r"[^a-z0-9]+", "-", _spelled(item.value)).strip("-")
        if not slug:
            found.append(
                _wrong(f"{path}: {yaml12.flow(item.value)} contains no letter or digit for the name", item, path)
            )
        elif slug in slugs:
            found.append(_wrong(f"{path}: two values both become {slug} in the name of the stack", item, path))
        else:
            slugs.add(slug)
            axis.append((slug, item._replace(origin=Origin(OriginKind.VAR, name, item.mark), key_mark=item.mark)))
    return axis, found


def _spelled(value: Any) -> str:
    return yaml12.flow(value).strip('"').lower()


def _too_long(root: Node, combinations: list[Cell], node: Node) -> list[Diagnostic]:
    name = root.child("name")
    text = name.value if name is not None and isinstance(name.value, str) and not is_template(name.value) else ""
    longest = max((c.stack(text) for c in combinations), key=len)
    if len(longest) <= _LONGEST:
        return []
    summary = f"the stack name {longest} has {len(longest)} characters; the maximum is {_LONGEST}"
    return [replace(_wrong(summary, node, "matrix"), remedy="Shorten the name or the values of the matrix.")]


def _same_names(combinations: list[Cell], node: Node) -> list[Diagnostic]:
    double = next((label for label, count in Counter(c.label for c in combinations).items() if count > 1), "")
    return [_wrong(f"two combinations of matrix have the same name: ...-{double}", node, "matrix")] if double else []


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
