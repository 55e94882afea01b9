"""The name of a kind stands in its folder: nothing outside `phift/kinds` compares, matches or lists names of kinds.

What is true of some kinds only is a trait or a hook of theirs, so that a new kind is one folder and one line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from phift.kinds.registry import KINDS

PACKAGE = Path(__file__).parents[2] / "phift"
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] not in {"kinds", "emulator", "data"})
LOOKUPS = {"of_kind", "Address", "rules_of"}

ALLOWED = {
    ("workbench/unidentified.py", "Address('data')"): "looks up versions of a split without a recipe",
    (
        "workbench/open.py",
        "rules_of('job')",
    ): "which parameters are neutral is known before the stack is",
    ("workbench/recipes.py", "'data.'"): "a place in the spec",
    ("spec/references.py", "of_kind('data')"): "assets have kinds of their own, of which some are called alike",
    (
        "spec/checks.py",
        "('finetune', 'base_model', 'endpoint', 'deployment')",
    ): "blocks of the spec, not kinds",
    (
        "spec/default.py",
        "('base_model', 'finetune', 'model', 'endpoint', 'deployment', 'targets')",
    ): "blocks of the spec, not kinds",
    (
        "spec/pasted.py",
        "('data', 'compute', 'endpoint', 'deployment', 'model')",
    ): "blocks of the spec, not kinds",
}
"""By file and finding, why it is right."""


def found_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines, and what names a kind there."""
    pieces = {id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in ast.walk(tree):
        match node:
            case ast.Compare():
                sides = [node.left, *node.comparators]
                if any(_is_kind(side) for side in sides) and any(_names(side) for side in sides):
                    yield node.lineno, ast.unparse(node)
            case ast.Match(subject=subject) if _is_kind(subject):
                yield from (
                    (node.lineno, f"match {ast.unparse(subject)}") for c in node.cases if _in_pattern(c.pattern)
                )
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if name in KINDS and _called(node) in LOOKUPS:
                yield node.lineno, f"{_called(node)}({name!r})"
            case ast.Subscript(value=ast.Name(id="KINDS"), slice=ast.Constant(value=name)):
                yield node.lineno, f"KINDS[{name!r}]"
            case ast.Set(elts=elts) | ast.Tuple(elts=elts) | ast.List(elts=elts) if len(elts) > 1:
                if sum(_name(e) in KINDS for e in elts) > 1 and all(_name(e) for e in elts):
                    yield node.lineno, ast.unparse(node)
            case ast.Dict(keys=keys) if len(keys) > 1 and all(_name(k) in KINDS for k in keys):
                yield node.lineno, "{" + ", ".join(str(_name(k)) for k in keys) + "}"
            case ast.Constant(value=str(text)) if id(node) not in pieces and _is_address(text):
                yield node.lineno, repr(text)


def _name(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _names(node: ast.expr) -> bool:
    inner = node.elts if isinstance(node, ast.Set | ast.Tuple | ast.List) else [node]
    return any(_name(one) in KINDS for one in inner)


def _is_kind(node: ast.expr) -> bool:
    return _last(node) == "kind"


def _in_pattern(pattern: ast.pattern) -> bool:
    return any(isinstance(n, ast.MatchValue) and _name(n.value) in KINDS for n in ast.walk(pattern))


def _called(node: ast.Call) -> str:
    return _last(node.func)


def _last(node: ast.expr) -> str:
    """`kind` of `kind` and of `resource.address.kind`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_address(text: str) -> bool:
    kind, dot, name = text.partition(".")
    return bool(dot) and kind in KINDS and name in {"", "main", "finetuned", "served"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_name_of_a_kind_outside_its_folder(path: Path) -> None:
    file = str(path.relative_to(PACKAGE))
    wrong = [
        f"{path}:{line}: {what}"
        for line, what in found_in(ast.parse(path.read_text(encoding="utf-8")))
        if (file, what) not in ALLOWED
    ]
    assert not wrong, "make it a trait or a hook of the kind, see phift/kinds/base.py"


def test_what_is_allowed_is_there() -> None:
    there = {
        (str(p.relative_to(PACKAGE)), what) for p in FILES for _, what in found_in(ast.parse(p.read_text("utf-8")))
    }
    assert set(ALLOWED) <= there, "remove it from the list"


@pytest.mark.parametrize(
    "line",
    [
        "if address.kind == 'job': pass",
        "if kind in {'data', 'model'}: pass",
        "match desired.address.kind:\n    case 'data' | 'model': pass",
        "stack.of_kind('deployment')",
        "KINDS['job']",
        "BILLED = {'compute': 1, 'endpoint': 2}",
        "SHARED = ('compute', 'endpoint')",
        "if text.startswith('deployment.'): pass",
        "TRAFFIC = 'traffic.main'",
    ],
)
def test_each_way_to_name_a_kind_is_seen(line: str) -> None:
    assert list(found_in(ast.parse(line)))
