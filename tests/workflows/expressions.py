"""The subset of GitHub's expressions that phift's workflows use. Anything else is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["evaluate", "filled"]

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[a-z_][A-Za-z0-9_.-]*)|(?P<sign>==|!=|&&|\|\||[()]))")


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """Return the text with its `${{ }}` replaced. Raises ValueError."""
    done = re.sub(r"\$\{\{(.*?)\}\}", lambda found: _shown(evaluate(found[1], contexts)), text)
    if "${{" in done and "${{" in text and re.search(r"\$\{\{", re.sub(r"\$\{\{.*?\}\}", "", text)):
        raise ValueError(f"an expression without an end: {text}")
    return done


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """Return the value of an expression. Raises ValueError for one that is not of the subset."""
    tokens: list[tuple[str, str]] = []
    place = 0
    stripped = text.strip()
    while place < len(stripped):
        found = _TOKEN.match(stripped, place)
        if found is None:
            raise ValueError(f"not of the subset: {stripped[place:]!r}")
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        place = found.end()
    value, rest = _either(tokens, contexts)
    if rest:
        raise ValueError(f"not of the subset: {rest}")
    return value


_Tokens = list[tuple[str, str]]


def _either(tokens: _Tokens, contexts: Mapping[str, Any]) -> tuple[Any, _Tokens]:
    value, rest = _both(tokens, contexts)
    while rest[:1] == [("sign", "||")]:
        other, rest = _both(rest[1:], contexts)
        value = value or other
    return value, rest


def _both(tokens: _Tokens, contexts: Mapping[str, Any]) -> tuple[Any, _Tokens]:
    value, rest = _compared(tokens, contexts)
    while rest[:1] == [("sign", "&&")]:
        other, rest = _compared(rest[1:], contexts)
        value = value and other
    return value, rest


def _compared(tokens: _Tokens, contexts: Mapping[str, Any]) -> tuple[Any, _Tokens]:
    value, rest = _one(tokens, contexts)
    if rest and rest[0] in {("sign", "=="), ("sign", "!=")}:
        other, after = _one(rest[1:], contexts)
        return (_shown(value) == _shown(other)) == (rest[0][1] == "=="), after
    return value, rest


def _one(tokens: _Tokens, contexts: Mapping[str, Any]) -> tuple[Any, _Tokens]:
    if not tokens:
        raise ValueError("an expression ends too early")
    (kind, text), rest = tokens[0], tokens[1:]
    if kind == "text":
        return text[1:-1].replace("''", "'"), rest
    if kind == "name":
        return _looked_up(text, contexts), rest
    if text == "(":
        value, rest = _either(rest, contexts)
        if rest[:1] != [("sign", ")")]:
            raise ValueError("a parenthesis without an end")
        return value, rest[1:]
    raise ValueError(f"not of the subset: {text}")


def _looked_up(name: str, contexts: Mapping[str, Any]) -> Any:
    """As on GitHub, a missing member is empty; an unknown context is an error, which GitHub reports too."""
    first, *path = name.split(".")
    if first not in contexts:
        raise ValueError(f"unknown context {first}")
    value: Any = contexts[first]
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
