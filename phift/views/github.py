"""Findings as annotations of GitHub Actions: `::error file=spec.yaml,line=3,col=5,title=code::message`.

GitHub shows them next to the lines of a pull request. Escaping is that of its toolkit.
"""

from __future__ import annotations

from collections.abc import Iterable

from phift.views.findings import Finding

__all__ = ["annotated"]

_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}


def annotated(found: Iterable[Finding]) -> str:
    """Return one line for each finding."""
    return "\n".join(map(_line, found))


def _line(one: Finding) -> str:
    where = {"file": one.file, "line": one.line, "col": one.column, "title": one.rule}
    given = ",".join(f"{name}={_escaped(str(value), _PROPERTY)}" for name, value in where.items() if value)
    text = one.message if one.file or not one.where else f"{one.where}: {one.message}"
    return f"::{'error' if one.error else 'warning'} {given}::{_escaped(text, _MESSAGE)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)
