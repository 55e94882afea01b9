"""Templates in scalars: Jinja2 expressions, rendered after parsing.

A scalar with a single expression results in a typed value, which is not parsed again; text with expressions results in
text (`Mixed`, which a field of another type reads as a YAML scalar). No statements, no calls, no powers, no arithmetic
on text but `+` and `~`, a short list of filters; undefined names are errors. Azure's own `${{ ... }}` passes through.

Jinja2 is imported when the first template is met that is more than a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.lazy import lazy_pattern
from phift.spec.budget import Budget, TemplateError
from phift.spec.template_values import Scope, azure_parts

__all__ = ["TemplateError", "is_template", "render_text"]

_NAME = lazy_pattern(r"\{\{-?\s*([a-z]+)\.([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")


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
