"""Variables, and the rendering of a tree with them.

Where a variable is set more than once, `--var` wins over `--var-file`, which wins over the target, which wins over the
spec. A variable may use others, the environment and the target; it is rendered when first used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

from phift.diagnostics import Diagnostic, Mark, Severity
from phift.spec import yaml12
from phift.spec.templating import Scope, TemplateError, is_template, render_text
from phift.spec.tree import BROKEN, Node, Origin, OriginKind, Path, dotted

__all__ = ["ENV_UNDEFINED", "Renderer", "layered"]

ENV_UNDEFINED = "template-env"
_OPAQUE: frozenset[Path] = frozenset({("data", "messages")})  # Jinja of its own, applied to rows


def layered(
    declared: Node | None, files: Sequence[FilePath], given: Mapping[str, str]
) -> tuple[dict[str, Node], list[Diagnostic]]:
    """The variables of the spec and its target, with those of files and the command line over them."""
    found: list[Diagnostic] = []
    variables = dict((declared.mapping if declared else None) or {})
    for path in files:
        tree, wrong = yaml12.read(path)
        found += wrong
        if tree is not None and tree.mapping is None:
            found.append(Diagnostic("a variable file is a mapping of names to values", mark=tree.mark, code="var-file"))
        for name, node in ((tree.mapping if tree else None) or {}).items():
            if name not in variables:
                found.append(replace(_undeclared(name, variables, node.name_mark), severity=Severity.WARNING))
            else:
                variables[name] = node
    for name, text in given.items():
        mark = Mark(f"--var {name}")
        if name not in variables:
            found.append(_undeclared(name, variables, mark))
            continue
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
        value = text[1:-1] if quoted else yaml12.plain_scalar(text)
        variables[name] = Node(
            _Literal(value) if isinstance(value, str) else value, mark, Origin(OriginKind.VAR, name, mark)
        )
    return variables, found


class _Literal(str):
    """Text from the command line: never a template."""

    __slots__ = ()


def _undeclared(name: str, variables: Mapping[str, Node], mark: Mark) -> Diagnostic:
    near = get_close_matches(name, variables, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"Add it to the spec: vars: {{{name}: ...}}."
    return Diagnostic(
        f"the spec declares no variable {name!r}", remedy=remedy, mark=mark, path="vars", code="var-unknown"
    )


class Renderer:
    """Renders the scalars of a tree. found: what went wrong; env_names: environment variables asked for."""

    def __init__(
        self, variables: Mapping[str, Node], target: Mapping[str, Any], environ: Mapping[str, str] = os.environ
    ) -> None:
        self.found: list[Diagnostic] = []
        self.env_names: set[str] = set()
        self._variables = variables
        self._done: dict[str, Node] = {}
        self._open: list[str] = []
        self._used: list[Origin] = []
        self._missing_env: list[str] = []
        self._scopes = {
            "vars": Scope("vars", lambda: list(variables), self._variable),
            "env": Scope("env", lambda: list(environ), self._env(environ), self._note_env(environ)),
            "target": Scope("target", lambda: list(target), target.__getitem__),
        }

    def render(self, node: Node, path: Path = ()) -> Node:
        """The tree with every template replaced by its value; BROKEN where one fails."""
        value = node.value
        if path in _OPAQUE:
            return node
        if isinstance(value, dict):
            for key, child in value.items():
                if "{{" in key:
                    self._refuse_key(key, child, path)
            children = {key: self.render(child, (*path, key)) for key, child in value.items()}
            same = all(children[key] is child for key, child in value.items())
            return node if same else replace(node, value=children)
        if isinstance(value, list):
            items = [self.render(child, (*path, index)) for index, child in enumerate(value)]
            return node if all(a is b for a, b in zip(items, value, strict=True)) else replace(node, value=items)
        if isinstance(value, str) and not isinstance(value, _Literal) and is_template(value):
            return self._scalar(node, path)
        return node

    def variables(self) -> dict[str, Node]:
        """The variables that were used, rendered."""
        return {name: self._done[name] for name in self._variables if name in self._done}

    def _refuse_key(self, key: str, child: Node, path: Path) -> None:
        self.found.append(
            Diagnostic(
                f"{dotted(path) or 'the spec'}: templates are for values, not for keys: {key}",
                mark=child.name_mark,
                path=dotted(path),
                code="template",
            )
        )

    def _scalar(self, node: Node, path: Path) -> Node:
        outer, self._used = self._used, []
        outer_missing, self._missing_env = self._missing_env, []
        try:
            value = render_text(node.value, self._scopes)
        except TemplateError as cause:
            self._fail(node, path, cause)
            return node.with_value(BROKEN)
        else:
            origin = self._used[0] if self._used else node.origin
            if origin.kind is OriginKind.VAR and len(self._used) > 1:
                names = dict.fromkeys(used.detail for used in self._used)
                origin = replace(origin, detail=", ".join(names))
            return _wrap(replace(node, origin=origin), value)
        finally:
            self._used, self._missing_env = outer, outer_missing

    def _fail(self, node: Node, path: Path, cause: TemplateError) -> None:
        if cause.summary == _BROKEN_VARIABLE:
            return  # said where the variable is
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
                code=ENV_UNDEFINED if of_env else "template",
            )
        )

    def _variable(self, name: str) -> Any:
        if name in self._open:
            raise TemplateError(f"variables go round in a circle: {' -> '.join([*self._open, name])}")
        if name not in self._done:
            self._open.append(name)
            try:
                self._done[name] = self.render(self._variables[name], ("vars", name))
            finally:
                self._open.pop()
        node = self._done[name]
        self._used.append(Origin(OriginKind.VAR, name, node.mark))
        return _value(node)

    def _env(self, environ: Mapping[str, str]) -> Any:
        def get(name: str) -> str:
            self._used.append(Origin(OriginKind.ENV, name))
            return environ[name]

        return get

    def _note_env(self, environ: Mapping[str, str]) -> Any:
        def note(name: str) -> None:
            self.env_names.add(name)
            if name not in environ:
                self._missing_env.append(name)

        return note


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
