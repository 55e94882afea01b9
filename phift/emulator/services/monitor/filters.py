"""The `$filter` of a query of metrics: conditions on dimensions, as OData writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from phift.emulator.services.monitor.errors import QueryError

__all__ = ["EVERYTHING", "Filter", "parse_filter"]

_TOKEN = re.compile(r"\s*(?:(?P<mark>[()])|'(?P<text>(?:[^']|'')*)'|(?P<word>[^\s()']+))")
_MOST_TOKENS = 200

Test = Callable[[Mapping[str, str]], bool]


@dataclass(frozen=True)
class Filter:
    """A condition. names: the dimensions in it, lower-cased, in the order of their first mention. test: whether values
    of dimensions, by lower-cased name, meet it."""

    names: tuple[str, ...]
    test: Test


EVERYTHING = Filter((), lambda values: True)


def parse_filter(text: str) -> Filter:
    """The condition that a `$filter` states. Raises QueryError for what is not one."""
    if not text.strip():
        return EVERYTHING
    parser = _Parser(text)
    test = parser.alternatives()
    if parser.left:
        raise parser.refused()
    return Filter(tuple(dict.fromkeys(parser.names)), test)


class _Parser:
    """A descent over `or`, `and`, brackets and comparisons."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.left: list[tuple[str, str]] = []
        self.names: list[str] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or len(self.left) > _MOST_TOKENS:
                raise self.refused()
            kind = str(found.lastgroup)
            self.left.append((kind, found[kind]))
            at = found.end()
        self.left.reverse()

    def refused(self) -> QueryError:
        return QueryError(
            f"The filter '{self._text}' is not valid. Example: deployment eq 'blue' and statusCode eq '*'."
        )

    def alternatives(self) -> Test:
        tests = [self._all()]
        while self._next_is("or"):
            self.left.pop()
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._next_is("and"):
            self.left.pop()
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def _one(self) -> Test:
        if self._next_is("("):
            self.left.pop()
            inner = self.alternatives()
            if not self._next_is(")"):
                raise self.refused()
            self.left.pop()
            return inner
        name, operator, value = self._take("word").lower(), self._take("word").lower(), self._take("text")
        wanted = value.replace("''", "'").casefold()
        self.names.append(name)
        if operator == "eq":
            return (lambda values: True) if wanted == "*" else (lambda values: values[name].casefold() == wanted)
        if operator == "ne":
            return lambda values: values[name].casefold() != wanted
        if operator == "sw":
            return lambda values: values[name].casefold().startswith(wanted)
        raise self.refused()

    def _next_is(self, text: str) -> bool:
        return bool(self.left) and self.left[-1][0] != "text" and self.left[-1][1].lower() == text

    def _take(self, kind: str) -> str:
        if not self.left or self.left[-1][0] != kind:
            raise self.refused()
        return self.left.pop()[1]
