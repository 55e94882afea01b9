"""Templates in scalars: Jinja2 expressions, rendered after parsing.

A scalar that is one expression gives a typed value, which is never parsed again; text with expressions in it gives text
(`Mixed`, which a field of another type reads as a YAML scalar). No statements, no calls, no powers, no arithmetic on
text but `+` and `~`, a short list of filters; undefined names are errors. Azure's own `${{ ... }}` passes through.

Jinja2 is imported when the first template is met that is more than a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from phift.spec.budget import Budget, TemplateError
from phift.spec.template_values import Scope, azure_parts

__all__ = ["TemplateError", "is_template", "render_text"]

_NAME = re.compile(r"\{\{-?\s*([a-z]+)\.([A-Za-z_][A-Za-z0-9_]*)\s*-?\}\}")


def is_template(text: str) -> bool:
    """Whether a scalar has something to render."""
    if "{%" in text:
        return True  # refused when it is rendered, never passed on
    return "{{" in text and any("{{" in part for part in azure_parts(text)[::2])


def render_text(text: str, scopes: Mapping[str, Scope], budget: Budget | None = None) -> Any:
    """The value of a scalar that is_template: typed for a lone expression, Mixed else. Raises TemplateError.

    budget: of the spec that the scalar is part of.
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
