"""A budget for rendering the templates of a spec, checked in advance: templates may be untrusted."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["MAX_SIZE", "Budget", "SpentError", "TemplateError"]

MAX_SIZE = 65_536
"""Maximum size of a result in characters; every value of a list or mapping counts a few."""

_MAX_BITS = 256
_LEVELS = 150
"""Templates within variables within templates: each level is a few calls of Python."""
_STEPS = 100_000
_TOTAL = 1_000_000
_STEPS_EACH = 2_000
_TOTAL_EACH = 20_000
_PARSE = 30  # what it costs to parse the shortest template
_AGAIN = 16  # what a template of the same text costs less
_VALUE = 8  # what a value other than text counts


class TemplateError(Exception):
    """An error of a template: one line, and a remedy."""

    def __init__(self, summary: str, remedy: str = "") -> None:
        super().__init__(summary)
        self.summary = summary
        self.remedy = remedy


class SpentError(TemplateError):
    """The budget of the spec is exhausted. Reported once; all further templates fail."""


class Budget:
    """The steps and size available to the templates of a file. builds: number of renderings (stacks times targets)."""

    def __init__(self, builds: int = 1) -> None:
        self._steps = _STEPS + _STEPS_EACH * builds
        self._total = _TOTAL + _TOTAL_EACH * builds
        self._level = 0
        self._parsed: set[str] = set()

    def step(self, count: int = 1) -> None:
        """Take `count` steps. Raises SpentError."""
        self._steps -= count
        if self._steps < 0:
            raise SpentError(
                "the templates of the spec take too many steps", "Replace templates by values, or use fewer."
            )

    def parse(self, text: str) -> None:
        """Take the steps of parsing a template. Raises TemplateError."""
        if len(text) > MAX_SIZE:
            raise TemplateError(f"the template is longer than {MAX_SIZE} characters")
        self.step(1 + len(text) // _AGAIN)
        if text not in self._parsed:
            self.step(_PARSE + len(text))
            self._parsed.add(text)

    def enter(self, levels: int = 1) -> None:
        """Enter nested levels. Call `leave` with the same number afterwards, unless this raises TemplateError."""
        self._level += levels
        if self._level > _LEVELS:
            self._level -= levels
            raise TemplateError("templates are nested too deeply, or the chain of references between them is too long")

    def leave(self, levels: int = 1) -> None:
        """Leave the levels of `enter`."""
        self._level -= levels

    def weigh(self, value: Any) -> tuple[int, int]:
        """Return (size, depth) of a value, and take a step for each value in it.

        Raises TemplateError for a number that is not finite or too long.
        """
        size = depth = 0
        waiting = [(value, 0)]
        while waiting:
            one, level = waiting.pop()
            self.step()
            depth = max(depth, level)
            size += _VALUE
            if isinstance(one, str):
                size += len(one)
            elif isinstance(one, dict):
                size += sum(len(str(key)) + _VALUE for key in one)
                waiting += [(item, level + 1) for item in one.values()]
            elif isinstance(one, list | tuple):
                waiting += [(item, level + 1) for item in one]
            else:
                require_number(one)
        return size, depth

    def keep(self, value: Any) -> int:
        """Count a result that becomes part of the spec, and return its depth. Raises TemplateError."""
        size, depth = self.weigh(value)
        self._total -= size
        if self._total < 0:
            raise SpentError(
                "the templates of the spec produce too much text", "Replace templates by values, or use fewer."
            )
        return depth


def require_number(value: Any) -> None:
    """Raise TemplateError for a number that is not finite or has more than 256 bits."""
    if isinstance(value, float) and not math.isfinite(value):
        raise TemplateError("the result is not a finite number")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise TemplateError(f"the result is a number of more than {_MAX_BITS} bits")
