"""Map columns to messages, one part per role: a column, joined columns, a constant, or a Jinja template.

messages: {system: "{{ context }}", user: "{{ question }}", assistant: "{{ answer }}"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from phift.data.messages import ROLES, kind_of
from phift.data.problems import Problem, named
from phift.data.row_mapper import RowMapper
from phift.diagnostics import Diagnostic
from phift.errors import InvalidSpecError
from phift.lazy import lazy_pattern

__all__ = ["by_role"]

Part = Callable[[dict[str, Any]], "str | Problem"]

_LONE = lazy_pattern(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_JOINED_BY = "\n\n"


class _ByRole:
    def __init__(self, parts: Sequence[tuple[str, Part]], columns: tuple[str, ...] | None) -> None:
        self.columns = columns
        self._parts = parts

    def __call__(self, row: dict[str, Any]) -> dict[str, Any] | Problem:
        """Omit an empty system message."""
        said = []
        for role, part in self._parts:
            content = part(row)
            if isinstance(content, Problem):
                return content
            if role != "system" or content.strip():
                said.append({"role": role, "content": content})
        return {"messages": said}


def by_role(plain: Sequence[Sequence[Any]]) -> RowMapper:
    """Compile `[[role, part], ...]`. Raises InvalidSpecError for an unknown role or an invalid Jinja template."""
    parts: list[tuple[str, Part]] = []
    columns: set[str] = set()
    anything = False
    for role, part in plain:
        if role not in ROLES:
            raise _invalid(role, f"messages: `{role}` is not a role", f"Roles: {', '.join(ROLES)}.")
        compiled, used = _compiled(role, part)
        parts.append((role, compiled))
        columns |= set(used or ())
        anything = anything or used is None
    return _ByRole(parts, None if anything else tuple(sorted(columns)))


def _compiled(role: str, part: Any) -> tuple[Part, tuple[str, ...] | None]:
    """Return the compiled part and the columns it reads; None: any."""
    if isinstance(part, Mapping):
        if "column" in part:
            return _column(role, str(part["column"])), (str(part["column"]),)
        if "join" in part:
            names = tuple(str(name) for name in part["join"])
            return _join(role, names), names
        text = str(part["text"])
        return (lambda row: text), ()
    if lone := _LONE.fullmatch(str(part)):
        # Same result as the template, six times as fast.
        return _column(role, lone[1]), (lone[1],)
    return _template(role, str(part)), None


def _column(role: str, name: str) -> Part:
    def part(row: dict[str, Any]) -> str | Problem:
        return _cell(role, name, row)

    return part


def _join(role: str, names: tuple[str, ...]) -> Part:
    def part(row: dict[str, Any]) -> str | Problem:
        texts = []
        for name in names:
            text = _cell(role, name, row)
            if isinstance(text, Problem):
                return text
            if text and not text.isspace():
                texts.append(text)
        return _JOINED_BY.join(texts)

    return part


def _cell(role: str, name: str, row: dict[str, Any]) -> str | Problem:
    try:
        value = row[name]
    except KeyError:
        return Problem("missing-key", f"messages.{role}: unknown column `{name}`; columns: {named(row)}")
    if isinstance(value, str):
        return value
    if isinstance(value, list | dict):
        remedy = "Use a template to select a value, such as {{ " + name + "[0] }}."
        return Problem("type", f"messages.{role}: `{name}` must be text, not {kind_of(value)}", remedy)
    return "" if value is None else str(value)


def _template(role: str, text: str) -> Part:
    from jinja2 import StrictUndefined, TemplateError, UndefinedError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, finalize=_said)
    try:
        template = environment.from_string(text)
    except TemplateError as error:
        raise _invalid(role, f"messages.{role} is not a valid Jinja template: {error}", "") from error

    def part(row: dict[str, Any]) -> str | Problem:
        try:
            return template.render(row)
        except UndefinedError as error:
            return Problem("missing-key", f"messages.{role}: {error.message}; columns: {named(row)}")
        except Exception as error:  # noqa: BLE001 - a template may raise whatever its expressions raise
            # Without the error text, which may quote the row.
            return Problem("template", f"messages.{role} fails on this row: {type(error).__name__}")

    return part


def _said(value: object) -> object:
    return "" if value is None else value  # a null cell is empty


def _invalid(role: object, summary: str, remedy: str) -> InvalidSpecError:
    return InvalidSpecError([Diagnostic(summary, remedy=remedy, path=f"data.messages.{role}", code="data-template")])
