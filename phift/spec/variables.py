"""Variables, and rendering of a tree.

Precedence, highest first: `--var`, `--var-file`, target, spec. A variable can use other variables, the environment and
the target; it is rendered on first use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from phift.diagnostics import LISTED, Diagnostic, Mark, Severity, nearest
from phift.spec import yaml12
from phift.spec.budget import Budget, SpentError
from phift.spec.environment import Environment
from phift.spec.reading import read_within
from phift.spec.template_values import Scope
from phift.spec.templating import TemplateError, is_template, render_text
from phift.spec.tree import BROKEN, Node, Origin, OriginKind, Path, dotted, walk

__all__ = ["ENV_REFUSED", "ENV_UNDEFINED", "Renderer", "layered"]

ENV_UNDEFINED = "template-env"
ENV_REFUSED = "env-not-allowed"
_HOP = 3  # levels of a template that is read for another one
_MAX_DEPTH = 64
_SPLITS = ("from", "train", "validation", "test", "sample")
_OPAQUE: frozenset[Path] = frozenset({("data", "messages"), *(("data", split, "messages") for split in _SPLITS)})
"""Paths of templates for rows, which are not rendered here."""


def layered(
    declared: Node | None, files: Sequence[FilePath], given: Mapping[str, str], home: Callable[[], FilePath]
) -> tuple[dict[str, Node], list[Diagnostic]]:
    """Return the variables of the spec and its target, overridden by files and the command line.

    home: returns the folder that must contain the files.
    """
    found: list[Diagnostic] = []
    variables = dict((declared.mapping if declared else None) or {})
    for path in files:
        tree, wrong = read_within(path, home(), str(path))
        found += wrong
        if tree is not None and tree.mapping is None:
            found.append(
                Diagnostic("a variable file must be a mapping of names to values", mark=tree.mark, code="var-file")
            )
        for name, node in ((tree.mapping if tree else None) or {}).items():
            if name not in variables:
                hint = len(found) < LISTED
                found.append(_undeclared(name, variables if hint else {}, node.name_mark, Severity.WARNING))
            else:
                variables[name] = node
    for name, text in given.items():
        mark = Mark(f"--var {name}")
        if name not in variables:
            found.append(_undeclared(name, variables, mark))
            continue
        if not _is_text(text):
            found.append(Diagnostic(f"the value of --var {name} is not UTF-8 text", mark=mark, code="invalid-value"))
            continue
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
        value = text[1:-1] if quoted else yaml12.plain_scalar(text)
        variables[name] = Node(
            _Literal(value) if isinstance(value, str) else value, mark, Origin(OriginKind.VAR, name, mark)
        )
    return variables, [*found, *_not_finite(variables)]


def _not_finite(variables: Mapping[str, Node]) -> list[Diagnostic]:
    """Report numbers that JSON cannot represent; no other check does, as variables do not have a type."""
    return [
        Diagnostic(
            f"{dotted(('vars', name, *path))} must be a finite number",
            mark=leaf.mark,
            path=f"vars.{name}",
            code="invalid-value",
        )
        for name, node in variables.items()
        for path, leaf in walk(node)
        if isinstance(leaf.value, float) and not math.isfinite(leaf.value)
    ]


def _is_text(value: str) -> bool:
    """Return whether text can be encoded as UTF-8; arguments of a process can contain any bytes."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Literal(str):
    """Text from the command line, never a template."""

    __slots__ = ()


def _undeclared(
    name: str, variables: Mapping[str, Node], mark: Mark, severity: Severity = Severity.ERROR
) -> Diagnostic:
    near = nearest(name, variables)
    remedy = f"Did you mean {near}?" if near else f"Add it to the spec: vars: {{{name}: ...}}."
    summary = f"variable {name!r} is not declared in the spec"
    return Diagnostic(summary, severity, remedy=remedy, mark=mark, path="vars", code="var-unknown")


class Renderer:
    """Renders the scalars of a tree. found: the problems. env_names: the environment variables read."""

    def __init__(
        self, variables: Mapping[str, Node], target: Mapping[str, Any], environment: Environment, budget: Budget
    ) -> None:
        self.found: list[Diagnostic] = []
        self.env_names: set[str] = set()
        self._variables = variables
        self._environment = environment
        self._budget = budget
        self._done: dict[str, Node] = {}
        self._values: dict[str, Any] = {}
        self._open: list[str] = []
        self._used: list[Origin] = []
        self._missing_env: list[str] = []
        self._refused_env: list[str] = []
        self._spent = False
        self._scopes = {
            "vars": Scope("vars", lambda: variables, self._variable),
            "env": Scope("env", environment.names, self._env, self._note_env),
            "target": Scope("target", lambda: target, target.__getitem__),
        }

    def render(self, node: Node, path: Path = ()) -> Node:
        """Return the tree with every template replaced by its value, or by BROKEN if it fails."""
        value = node.value
        if path in _OPAQUE:
            return node
        if not isinstance(value, dict | list):
            templated = isinstance(value, str) and not isinstance(value, _Literal) and is_template(value)
            return self._scalar(node, path) if templated else node
        self._budget.enter()
        try:
            return self._inner(node, path)
        finally:
            self._budget.leave()

    def _inner(self, node: Node, path: Path) -> Node:
        """Render a mapping or a list."""
        value = node.value
        if isinstance(value, dict):
            for key, child in value.items():
                if "{{" in key:
                    self._refuse_key(key, child, path)
            children = {key: self.render(child, (*path, key)) for key, child in value.items()}
            same = all(children[key] is child for key, child in value.items())
            return node if same else node.with_value(children)
        items = [self.render(child, (*path, index)) for index, child in enumerate(value)]
        return node if all(a is b for a, b in zip(items, value, strict=True)) else node.with_value(items)

    def variables(self) -> dict[str, Node]:
        """Return the rendered variables that were used."""
        return {name: self._done[name] for name in self._variables if name in self._done}

    def _refuse_key(self, key: str, child: Node, path: Path) -> None:
        self.found.append(
            Diagnostic(
                f"{dotted(path) or 'the spec'}: templates are allowed in values, not in keys: {key}",
                mark=child.name_mark,
                path=dotted(path),
                code="template",
            )
        )

    def _scalar(self, node: Node, path: Path) -> Node:
        outer, self._used = self._used, []
        outer_missing, self._missing_env = self._missing_env, []
        outer_refused, self._refused_env = self._refused_env, []
        try:
            value = render_text(node.value, self._scopes, self._budget)
            if self._budget.keep(value) + len(path) > _MAX_DEPTH:
                raise TemplateError(f"the result is nested more than {_MAX_DEPTH} levels deep")
        except TemplateError as cause:
            self._fail(node, path, cause)
            return node.with_value(BROKEN)
        else:
            origin = self._used[0] if self._used else node.origin
            if origin.kind is OriginKind.VAR and len(self._used) > 1:
                names = dict.fromkeys(used.detail for used in self._used)
                origin = origin._replace(detail=", ".join(names))
            return _wrap(node._replace(origin=origin), value)
        finally:
            self._used, self._missing_env, self._refused_env = outer, outer_missing, outer_refused

    def _fail(self, node: Node, path: Path, cause: TemplateError) -> None:
        if cause.summary == _BROKEN_VARIABLE:
            return  # reported at the variable
        if isinstance(cause, SpentError):
            if self._spent:
                return  # reported at the first template that exceeded the budget
            self._spent = True
        refused = bool(self._refused_env)
        name = self._missing_env[-1] if self._missing_env else ""
        of_env = bool(name) and cause.summary.startswith(f"env.{name} ")
        remedy = (
            f"Set the environment variable {name}, or write {{{{ env.{name} | default('...') }}}}." if of_env else ""
        )
        self.found.append(
            Diagnostic(
                f"{dotted(node.written or path)}: {cause.summary}",
                remedy=cause.remedy or remedy,
                mark=node.mark,
                path=dotted(path),
                code=ENV_REFUSED if refused else ENV_UNDEFINED if of_env else "template",
            )
        )

    def _variable(self, name: str) -> Any:
        if name in self._open:
            raise TemplateError(f"circular variable reference: {' -> '.join([*self._open, name])}")
        if name not in self._done:
            self._open.append(name)
            self._budget.enter(_HOP)
            try:
                self._done[name] = self.render(self._variables[name], ("vars", name))
            except TemplateError:
                self._done[name] = self._variables[name].with_value(BROKEN)
                raise
            finally:
                self._budget.leave(_HOP)
                self._open.pop()
        node = self._done[name]
        self._used.append(Origin(OriginKind.VAR, name, node.mark))
        if name not in self._values:
            self._values[name] = _value(node)
        return self._values[name]

    def _env(self, name: str) -> str:
        self._used.append(Origin(OriginKind.ENV, name))
        value = self._environment[name]
        if not _is_text(value):
            raise TemplateError(f"env.{name} is not UTF-8 text")
        return value

    def _note_env(self, name: str) -> None:
        if not self._environment.allows(name):
            import shlex  # only here: it takes longer to import than most specs to render

            self._refused_env.append(name)
            raise TemplateError(
                f"the spec is not allowed to read the environment variable {name}",
                f"Pass --allow-env {shlex.quote(name)} to allow it. PHIFT_VAR_* variables are always readable.",
            )
        self.env_names.add(name)
        if name not in self._environment:
            self._missing_env.append(name)


_BROKEN_VARIABLE = "the variable has no value"


def _value(node: Node) -> Any:
    if node.value is BROKEN:
        raise TemplateError(_BROKEN_VARIABLE)
    if isinstance(node.value, dict):
        return {key: _value(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [_value(child) for child in node.value]
    return node.value


def _wrap(place: Node, value: Any) -> Node:
    if isinstance(value, dict):
        return place.with_value({str(key): _wrap(place, item) for key, item in value.items()})
    if isinstance(value, list):
        return place.with_value([_wrap(place, item) for item in value])
    return place.with_value(value)
