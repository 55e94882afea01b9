"""Every code that phift can give a diagnostic, as its source says: found by reading the calls, not by running them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["Calls", "UnknownCodeError", "codes_below", "codes_in"]

PACKAGE = Path(__file__).parents[1] / "phift"

MADE = {"Diagnostic": "code", "HubError": "code", "UnfitFileError": 0}
"""What carries a code: the keyword, or the position, that it is given by."""

FAMILIES = {"Problem": ("phift/data", 0), "InterfaceProblem": ("phift/catalog", 1)}
"""Problems are turned into diagnostics by `data-{problem.code}` and `parameter-{problem.code}`: the folder they are
made in, and the position of their code."""

VALUES = {
    ("phift/data/problems.py", "first.code"): "Problem",
    ("phift/phases/inspect_data.py", "problem.code"): "Problem",
    ("phift/kinds/job/compile.py", "problem.code"): "InterfaceProblem",
    ("phift/workbench/offline.py", "problem.code"): "InterfaceProblem",
    ("phift/spec/yaml12.py", "cause.code"): "UnfitFileError",
}
"""Codes that are read from a value of one of these kinds."""

CARRIED = {("phift/lock/file.py", "found.code")}
"""Codes of another diagnostic, which is found where that is made."""


class UnknownCodeError(AssertionError):
    """A code that cannot be told from the source: write it as text, or by a parameter that callers give as text."""


@dataclass
class Calls:
    """All modules of the package but the emulator, which makes no diagnostics, or those that are given."""

    modules: dict[str, ast.Module]
    found: dict[str, list[str]] = field(default_factory=dict)
    """Places by code."""
    passed_on: dict[str, list[str]] = field(default_factory=dict)
    """Places by code, or by a part of one, where it is given to a function that makes the diagnostic."""

    def __post_init__(self) -> None:
        for module in self.modules.values():
            for parent in ast.walk(module):
                for child in ast.iter_child_nodes(parent):
                    child.parent = parent  # type: ignore[attr-defined]
        for file, call in self._calls(set(MADE)):
            where = MADE[_name(call)]
            for code in self._given(file, call, where):
                self.found.setdefault(code, []).append(f"{file}:{call.lineno}")

    def _calls(self, names: set[str], folder: str = "phift") -> Iterator[tuple[str, ast.Call]]:
        for file, module in self.modules.items():
            if file.startswith(folder):
                yield from ((file, n) for n in ast.walk(module) if isinstance(n, ast.Call) and _name(n) in names)

    def _given(self, file: str, call: ast.Call, where: str | int) -> set[str]:
        if isinstance(where, int):
            return self._values(file, call.args[where])
        given = next((k.value for k in call.keywords if k.arg == where), None)
        if given is None:
            if any(k.arg is None for k in call.keywords):
                return set()  # a copy of one that was made elsewhere
            raise UnknownCodeError(f"{file}:{call.lineno}: {_name(call)} without a code")
        return self._values(file, given)

    def _values(self, file: str, node: ast.expr) -> set[str]:
        """The texts that an expression can be."""
        match node:
            case ast.Constant(value=str() as text):
                return {text}
            case ast.IfExp():
                return self._values(file, node.body) | self._values(file, node.orelse)
            case ast.BoolOp(op=ast.Or()):
                return set().union(*(self._values(file, v) for v in node.values)) - {""}
            case ast.JoinedStr():
                parts = [self._values(file, part) for part in node.values]
                return {"".join(words) for words in itertools.product(*parts)}
            case ast.FormattedValue():
                return self._values(file, node.value)
            case ast.Call(func=ast.Attribute(attr="replace", value=inner), args=[a, b]):
                old, new = ast.literal_eval(a), ast.literal_eval(b)
                return {text.replace(old, new) for text in self._values(file, inner)}
            case ast.Attribute():
                return self._attribute(file, node)
            case ast.Name():
                return self._name(file, node)
        raise UnknownCodeError(f"{file}:{node.lineno}: {ast.unparse(node)}")

    def _attribute(self, file: str, node: ast.Attribute) -> set[str]:
        said = ast.unparse(node)
        if (file, said) in CARRIED:
            return set()
        kind = VALUES.get((file, said))
        if kind in FAMILIES:
            folder, position = FAMILIES[kind]
            names = {"Problem"} if kind == "InterfaceProblem" else {"Problem", "FileProblem"}
            return set().union(*(self._values(f, c.args[position]) for f, c in self._calls(names, folder)))
        if kind is not None:
            return set().union(*(self._given(f, c, MADE[kind]) for f, c in self._calls({kind})))
        raise UnknownCodeError(f"{file}:{node.lineno}: {said}")

    def _name(self, file: str, node: ast.Name) -> set[str]:
        function = _function(node)
        if function is not None:
            arguments = function.args
            positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
            if node.id in (*positional, *(a.arg for a in arguments.kwonlyargs)):
                return self._parameter(file, function, node.id, positional)
            if local := self._assigned(file, function, node.id):
                return local
        for other in (file, *self.modules):
            if constant := self._constant(other, node.id):
                return self._values(other, constant)
        raise UnknownCodeError(f"{file}:{node.lineno}: {node.id}")

    def _constant(self, file: str, name: str) -> ast.expr | None:
        for statement in self.modules[file].body:
            if isinstance(statement, ast.Assign | ast.AnnAssign) and name in _targets(statement):
                return statement.value
        return None

    def _parameter(self, file: str, function: ast.FunctionDef, name: str, positional: list[str]) -> set[str]:
        """What callers give: of a private function those of its module."""
        found: set[str] = set()
        place = positional.index(name) - (positional[0] == "self") if name in positional else -1
        default = _default(function, name)
        for caller, call in self._calls({function.name}, file if function.name.startswith("_") else "phift"):
            given = next((k.value for k in call.keywords if k.arg == name), None)
            if given is None and 0 <= place < len(call.args):
                given = call.args[place]
            if given is None and default is None:
                continue  # another function of this name
            texts = self._values(caller if given is not None else file, given or default)  # type: ignore[arg-type]
            for text in texts:
                self.passed_on.setdefault(text, []).append(f"{caller}:{call.lineno}")
            found |= texts
        if not found:
            raise UnknownCodeError(f"{file}:{function.lineno}: nobody gives {function.name} a {name}")
        return found

    def _assigned(self, file: str, function: ast.FunctionDef, name: str) -> set[str]:
        found: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                found |= self._from(file, node.targets[0], node.value, name)
            elif isinstance(node, ast.For):
                found |= self._looped(file, node, name)
        return found

    def _looped(self, file: str, loop: ast.For, name: str) -> set[str]:
        """`for name, value in (("revision", ...), ...)`, and a dict's items or keys written out."""
        items: list[ast.expr] = []
        written: ast.expr = loop.iter
        if isinstance(written, ast.Name):
            written = self._constant(file, written.id) or written
        if isinstance(written, ast.Tuple | ast.List):
            items = written.elts
        return set().union(*(self._from(file, loop.target, item, name) for item in items))

    def _from(self, file: str, target: ast.expr, value: ast.expr, name: str) -> set[str]:
        if isinstance(target, ast.Name):
            return self._values(file, value) if target.id == name else set()
        if not isinstance(target, ast.Tuple):
            return set()
        if isinstance(value, ast.Tuple):
            pairs = zip(target.elts, value.elts, strict=True)
            return set().union(*(self._from(file, t, v, name) for t, v in pairs))
        place = next((n for n, t in enumerate(target.elts) if isinstance(t, ast.Name) and t.id == name), None)
        if place is None or not isinstance(value, ast.Call):
            return set()
        return self._returned(file, _name(value), place)

    def _returned(self, file: str, function: str, place: int) -> set[str]:
        found: set[str] = set()
        for node in ast.walk(self.modules[file]):
            if isinstance(node, ast.FunctionDef) and node.name == function:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Tuple):
                        found |= self._values(file, inner.value.elts[place])
        return found


def codes_in() -> dict[str, list[str]]:
    """The places by code where diagnostics are made, of the package."""
    return _calls_in().found


def codes_below(folder: str) -> set[str]:
    """The codes that the modules of a folder give: to a diagnostic, or to a function that makes one."""
    calls = _calls_in()
    places = {code: [*made, *calls.passed_on.get(code, ())] for code, made in calls.found.items()}
    return {code for code, found in places.items() if any(place.startswith(folder) for place in found)}


@cache
def _calls_in() -> Calls:
    files = [p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).parts[0] != "emulator"]
    texts = {str(p.relative_to(PACKAGE.parent)): p.read_text(encoding="utf-8") for p in files}
    return Calls({file: ast.parse(text) for file, text in texts.items()})


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def _function(node: ast.AST) -> ast.FunctionDef | None:
    while (parent := getattr(node, "parent", None)) is not None:
        if isinstance(parent, ast.FunctionDef):
            return parent
        node = parent
    return None


def _targets(statement: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _default(function: ast.FunctionDef, name: str) -> ast.expr | None:
    arguments = function.args
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    pairs = dict(zip(reversed(positional), reversed(arguments.defaults), strict=False))
    pairs |= {a.arg: d for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if d is not None}
    return pairs.get(name)
