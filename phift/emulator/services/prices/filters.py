"""The $filter of the Retail Prices API: eq, ne, and, or, parentheses, contains, startswith, endswith."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["BadFilter", "Predicate", "parse"]

Predicate = Callable[[Mapping[str, Any]], bool]

_FIELDS = {
    **{
        name.lower(): name
        for name in (
            *("armRegionName", "armSkuName", "location", "meterId", "meterName", "productId", "productName"),
            *("serviceFamily", "serviceId", "serviceName", "skuId", "skuName"),
        )
    },
    "pricetype": "type",  # the row's key is another one
}
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda value, text: text in value,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z]\w*)|([(),]))")
_LONGEST, _DEEPEST = 8000, 20


class BadFilter(ValueError):
    """The text is not a filter; the message says why."""


def parse(text: str, *, exact: bool) -> Predicate:
    """The predicate of a filter. exact: whether letter case counts in values. Raises BadFilter."""
    return _Parser(text, exact=exact).whole()


class _Parser:
    def __init__(self, text: str, *, exact: bool) -> None:
        if len(text) > _LONGEST:
            raise BadFilter("The filter is too long.")
        self._tokens = _tokens(text)
        self._at = 0
        self._exact = exact

    def whole(self) -> Predicate:
        found = self._any(0)
        if self._at < len(self._tokens):
            raise BadFilter(f"Unexpected {self._tokens[self._at]}.")
        return found

    def _any(self, depth: int) -> Predicate:
        parts = [self._all(depth)]
        while self._takes("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _all(self, depth: int) -> Predicate:
        parts = [self._one(depth)]
        while self._takes("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self, depth: int) -> Predicate:
        if depth > _DEEPEST:
            raise BadFilter("The filter is nested too deep.")
        if self._takes("("):
            inner = self._any(depth + 1)
            self._need(")")
            return inner
        word = self._next().lower()
        if word in _FUNCTIONS:
            self._need("(")
            key = self._field(self._next())
            self._need(",")
            text = self._value()
            self._need(")")
            test = _FUNCTIONS[word]
            return lambda row: test(self._folded(row[key]), text)
        key, operator = self._field(word), self._next().lower()
        text = self._value()
        if operator == "eq":
            return lambda row: self._folded(row[key]) == text
        if operator == "ne":
            return lambda row: self._folded(row[key]) != text
        raise BadFilter(f"The operator {operator} is not supported.")

    def _folded(self, value: Any) -> str:
        return str(value) if self._exact else str(value).casefold()

    def _field(self, word: str) -> str:
        if found := _FIELDS.get(word.lower()):
            return found
        raise BadFilter(f"{word} is not a field of the filter.")

    def _value(self) -> str:
        token = self._next()
        if not token.startswith("'"):
            raise BadFilter(f"{token} is not a value in quotes.")
        return self._folded(token[1:-1].replace("''", "'"))

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise BadFilter("The filter ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _takes(self, token: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at].lower() == token
        self._at += found
        return found

    def _need(self, token: str) -> None:
        if not self._takes(token):
            raise BadFilter(f"The filter lacks {token}")


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadFilter(f"Unexpected {text[at : at + 10]!r}.")
        found.append(match[match.lastindex or 0])
        at = match.end()
    return found
