"""The rules of the trainer on parameters and on their combinations, as data: data/rules.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from phift.catalog.files import read_facts
from phift.lazy import lazy_pattern

__all__ = ["Rule", "broken", "rules"]

Value = str | int | float | bool
Values = Mapping[str, Value]

_BOUNDS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        "minimum": ("at least", lambda value, bound: value >= bound),
        "above": ("above", lambda value, bound: value > bound),
        "maximum": ("at most", lambda value, bound: value <= bound),
        "below": ("below", lambda value, bound: value < bound),
    }
)
_NAME = lazy_pattern(r"\{([a-z0-9_.]+)\}")


@dataclass(frozen=True)
class Rule:
    """A rule about one number (bounds) or about a combination (when). See data/rules.yaml for the fields.

    number: the position in the file, from 0.
    """

    number: int
    parameter: str
    source: str
    why: str
    bounds: Mapping[str, float] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    remedy: str = ""
    severity: str = "error"
    certain: bool = True

    def breaks(self, values: Values) -> bool:
        """Return whether the values break the rule; False if a value it depends on is unknown."""
        if not all(_holds(values, name, condition) for name, condition in self.when.items()):
            return False
        if not self.bounds:
            return True
        value = _number(values.get(self.parameter))
        return value is not None and not all(_BOUNDS[name][1](value, bound) for name, bound in self.bounds.items())

    def message(self, values: Values) -> str:
        """Return the summary for these values."""
        if self.bounds:
            wanted = " and ".join(f"{_BOUNDS[name][0]} {_shown(bound)}" for name, bound in self.bounds.items())
            return f"{self.parameter} must be {wanted}, got {_shown(values[self.parameter])}"
        return _NAME.sub(lambda match: _shown(values.get(match[1], match[0])), self.summary)

    @property
    def names(self) -> frozenset[str]:
        """The values that the rule depends on."""
        named = {name for condition in self.when.values() for name in _named_in(condition)}
        return frozenset({self.parameter, *self.when, *named})


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in the order of the file."""
    return tuple(_rule(number, body) for number, body in enumerate(read_facts("rules.yaml")["rules"]))


def broken(values: Values) -> list[Rule]:
    """Return the rules that the values break. values: canonical, by the name of an input or of a further value."""
    return [rule for rule in rules() if rule.parameter in values and rule.breaks(values)]


def _rule(number: int, body: Mapping[str, Any]) -> Rule:
    bounds = {name: float(body[name]) for name in _BOUNDS if name in body}
    return Rule(number, bounds=bounds, **{name: value for name, value in body.items() if name not in _BOUNDS})


def _holds(values: Values, name: str, condition: Any) -> bool:
    value = values.get(name)
    if value is None:
        return False
    if not isinstance(condition, Mapping):
        return _same(value, condition)
    return all(_satisfies(values, value, test, operand) for test, operand in condition.items())


def _satisfies(values: Values, value: Value, test: str, operand: Any) -> bool:
    if test in ("one_of", "none_of"):
        return any(_same(value, one) for one in operand) is (test == "one_of")
    if test == "not":
        return not _same(value, values.get(operand, operand))
    number, bound = _number(value), _number(values.get(operand) if isinstance(operand, str) else operand)
    return number is not None and bound is not None and _BOUNDS[test][1](number, bound)


def _same(value: Any, other: Any) -> bool:
    return _shown(value) == _shown(other)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:g}"
    return str(value)


def _number(value: Any) -> float | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)


def _named_in(condition: Any) -> set[str]:
    if not isinstance(condition, Mapping):
        return set()
    return {
        operand
        for test, operand in condition.items()
        if (isinstance(operand, str) and test != "not") or operand == "save_strategy"
    }
