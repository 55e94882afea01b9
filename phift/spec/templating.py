"""Templates in scalars: Jinja2 expressions, rendered after parsing.

A scalar with a single expression results in a typed value, which is not parsed again; text with expressions results in
text (`Mixed`, which a field of another type reads as a YAML scalar). No statements, no calls, no powers, no arithmetic
on text but `+` and `~`, a short list of filters; undefined names are errors. Azure's own `${{ ... }}` passes through.

Jinja2 is imported when the first template is met that is more than a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from phift.diagnostics import LISTED, nearest
from phift.spec.budget import Budget, TemplateError

__all__ = ["FILTERS", "Mixed", "Scope", "TemplateError", "azure_parts", "is_template", "render_text"]

FILTERS = ("default", "d", "float", "int", "join", "length", "lower", "replace", "round", "string", "trim", "upper")
_NAME = re.compile(r"\{\{-?\s*([a-z]+)\.([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")


class Mixed(str):
    """The result of a template with text around its expressions."""

    __slots__ = ()


class Scope:
    """A named set of values for templates: vars, env or target. Values are computed on demand."""

    def __init__(
        self,
        name: str,
        names: Callable[[], Collection[str]],
        get: Callable[[str], Any],
        on_read: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._names = names
        self._get = get
        self._on_read = on_read
        self._hints = LISTED

    def lookup(self, key: str) -> Any:
        """Return the value of a name. Raises KeyError with a readable message."""
        if self._on_read:
            self._on_read(key)
        names = self._names()
        if key not in names:
            self._hints -= 1
            near = nearest(key, names) if self._hints >= 0 else ""
            raise KeyError(
                f"{self.name}.{key} is not defined" + (f"; did you mean {self.name}.{near}?" if near else "")
            )
        return self._get(key)


def is_template(text: str) -> bool:
    """Return whether a scalar must be rendered."""
    if "{%" in text:
        return True  # rejected when rendered, never passed on
    return "{{" in text and any("{{" in part for part in azure_parts(text)[::2])


def render_text(text: str, scopes: Mapping[str, Scope], budget: Budget | None = None) -> Any:
    """Render a scalar that is_template. Return a typed value for a single expression, otherwise Mixed.

    budget: of the spec that contains the scalar. Raises TemplateError.
    """
    budget = budget or Budget()
    if (name := _NAME.fullmatch(text.strip())) and name[1] in scopes:
        # Most templates are a bare name. Reading it here gives what Jinja2 would, without the time its import takes.
        budget.step()
        try:
            return scopes[name[1]].lookup(name[2])
        except KeyError as cause:
            raise TemplateError(str(cause.args[0])) from None
    if "{%" in text:
        raise TemplateError(
            "statements ({% ... %}) are not allowed in a spec", "Use an expression: {{ a if b else c }}"
        )
    from phift.spec.expressions import evaluate

    return evaluate(text, scopes, budget)


def azure_parts(text: str) -> list[str]:
    """Split text at the expressions of Azure, `${{ ... }}`: parts alternate, the first and last are plain text."""
    parts = []
    at = 0
    while (start := text.find("${{", at)) >= 0 and (end := text.find("}}", start + 3)) >= 0:
        parts += [text[at:start], text[start : end + 2]]
        at = end + 2
    return [*parts, text[at:]]
