"""Templates that make chat messages out of other columns.

messages: {user: "{{ question }}", assistant: "{{ answer }}"}
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from phift.data.messages import ROLES
from phift.data.problems import Problem, named
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError

__all__ = ["MessageTemplates"]


class MessageTemplates:
    """Jinja templates by role. A row's columns are the variables; an unknown column is a problem of that row."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        """Raises InvalidSpecError on a role that is none, or a template that is not Jinja."""
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, keep_trailing_newline=True, finalize=_said
        )
        self._templates = []
        for role, text in templates.items():
            if role not in ROLES:
                raise _invalid(role, f"messages: `{role}` is no role", f"Roles: {', '.join(ROLES)}.")
            try:
                self._templates.append((role, environment.from_string(text)))
            except TemplateError as error:
                raise _invalid(role, f"messages.{role} is not a Jinja template: {error}", "") from error

    def render(self, row: Any) -> dict[str, Any] | Problem:
        """The row with its `messages` made by the templates; a system message that renders empty is left out."""
        if not isinstance(row, dict):
            return Problem("type", "a row must be an object")
        said = []
        for role, template in self._templates:
            try:
                content = template.render(row)
            except UndefinedError as error:
                return Problem("missing-key", f"messages.{role}: {error.message}; columns here: {named(row)}")
            except Exception as error:  # noqa: BLE001 - a template may raise whatever its expressions raise
                # Not what it says: it may quote the row.
                return Problem("template", f"messages.{role} fails on this row: {type(error).__name__}")
            if content.strip() or role != "system":
                said.append({"role": role, "content": content})
        return {"messages": said}


def _said(value: object) -> object:
    return "" if value is None else value  # a null cell says nothing


def _invalid(role: str, summary: str, remedy: str) -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=f"data.messages.{role}", code="data-template")])
