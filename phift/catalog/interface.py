"""The typed interface of a component: the values its inputs accept, and the canonical form of each value.

Built from the catalogue or from a live `componentSpec`, whose scalars may be text (`"optional": "True"`,
`"default": "1"`). Canonical values make equal parameters compare equal: 5e-6, 0.000005 and "5e-06" are the same number,
true and "true" are the same flag.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from phift.diagnostics import LISTED, nearest
from phift.lazy import lazy_pattern

__all__ = ["ComponentInput", "ComponentInterface", "ComponentOutput", "Problem", "Scalar"]

Scalar = str | int | float | bool

_INTEGER = lazy_pattern(r"[-+]?[0-9]+")
_NUMBER = lazy_pattern(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FLAGS = ("true", "false")
_KIND_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
}


@dataclass(frozen=True)
class Problem:
    """A problem with the parameter `name`. code: unknown, type, enum, bounds or missing."""

    name: str
    code: str
    summary: str
    remedy: str = ""


@dataclass(frozen=True)
class ComponentOutput:
    """A typed output, such as mlflow_model."""

    name: str
    type: str
    mode: str = ""


@dataclass(frozen=True)
class ComponentInput:
    """A typed input.

    type: integer, number, boolean, string, or an asset type (uri_file, mltable, mlflow_model, ...).
    default: canonical, None if there is none. minimum, maximum: inclusive.
    """

    name: str
    type: str
    optional: bool = False
    default: Scalar | None = None
    enum: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    mode: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as in a componentSpec, without what is empty: type, optional, default, enum, min, max."""
        found: dict[str, Any] = {"type": self.type}
        found |= {"optional": True} if self.optional else {}
        found |= {"default": self.default} if self.default is not None else {}
        found |= {"enum": list(self.enum)} if self.enum else {}
        found |= {"min": _short(self.minimum)} if self.minimum is not None else {}
        return found | ({"max": _short(self.maximum)} if self.maximum is not None else {})

    @property
    def required(self) -> bool:
        """Whether a job requires a value for it."""
        return not self.optional and self.default is None

    @property
    def is_literal(self) -> bool:
        """Whether it takes a scalar rather than data, a model or another asset."""
        return self.type in _KIND_NAMES

    @cached_property
    def is_flag(self) -> bool:
        """Whether it takes true or false, as a boolean or as text."""
        return self.type == "boolean" or (bool(self.enum) and set(self.enum) <= set(_FLAGS))

    def canonical(self, value: Any) -> Scalar:
        """Return the canonical form of a value: int, finite float, bool or str, by type. Raises ValueError."""
        match self.type:
            case "integer":
                return _whole(value)
            case "number":
                return _number(value)
            case "boolean":
                return _flag(value) == "true"
            case _:
                return self._text(value)

    def wire(self, value: Any) -> str:
        """Return the canonical value as the text of a job's literal input."""
        canonical = self.canonical(value)
        return _flag(canonical) if isinstance(canonical, bool) else str(canonical)

    def check(self, value: Any, *, text_numbers: bool = False) -> Problem | None:
        """Return the problem with a value, or None. text_numbers: accept numbers as text, as in jobs."""
        try:
            canonical = self.canonical(value)
        except ValueError:
            return self._wrong_type(value)
        if self.type in ("integer", "number") and isinstance(value, str) and not text_numbers:
            return Problem(
                self.name,
                "type",
                f"{self.name} must be {_KIND_NAMES[self.type]}, got text {value!r}",
                f"Write it without quotes: {self.name}: {value}",
            )
        if self.enum and str(canonical) not in self.enum and not self.is_flag:
            return self._not_in_enum(value)
        if isinstance(canonical, int | float):
            if self.minimum is not None and canonical < self.minimum:
                return Problem(self.name, "bounds", f"{self.name} must be at least {self.minimum:g}, got {value}")
            if self.maximum is not None and canonical > self.maximum:
                return Problem(self.name, "bounds", f"{self.name} must be at most {self.maximum:g}, got {value}")
        return None

    def _text(self, value: Any) -> str:
        if self.is_flag:
            return _flag(value)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            number = _number(value)
            return str(int(number)) if number.is_integer() else str(number)
        if isinstance(value, str):
            return value
        raise ValueError(value)

    def _wrong_type(self, value: Any) -> Problem:
        kind = "true or false" if self.is_flag else _KIND_NAMES.get(self.type, f"a reference to {self.type}")
        remedy = "To use the default, remove the line." if value is None else ""
        return Problem(self.name, "type", f"{self.name} must be {kind}, got {_describe(value)}", remedy)

    def _not_in_enum(self, value: Any) -> Problem:
        close = nearest(str(value).lower(), [e.lower() for e in self.enum])
        guess = next((e for e in self.enum if close and e.lower() == close), "")
        return Problem(
            self.name,
            "enum",
            f"{self.name} must be one of {', '.join(self.enum)}; got {_describe(value)}",
            f"Did you mean {guess}?" if guess else "",
        )


@dataclass(frozen=True)
class ComponentInterface:
    """The typed inputs and outputs of a component, by name."""

    inputs: Mapping[str, ComponentInput]
    outputs: Mapping[str, ComponentOutput]

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> ComponentInterface:
        """Parse a componentSpec (the component's YAML as JSON); unknown keys are ignored."""
        inputs = {name: _read_input(name, body) for name, body in (spec.get("inputs") or {}).items()}
        outputs = {
            name: ComponentOutput(name, str(body.get("type", "")), str(body.get("mode", "")))
            for name, body in (spec.get("outputs") or {}).items()
        }
        return cls(MappingProxyType(inputs), MappingProxyType(outputs))

    @cached_property
    def plain(self) -> dict[str, dict[str, Any]]:
        """The inputs as plain values, from which `from_spec` builds equal inputs."""
        return {name: declared.plain() for name, declared in self.inputs.items()}

    def check(self, parameters: Mapping[str, Any], *, text_numbers: bool = False) -> list[Problem]:
        """Return all problems of the given parameters, in their order; see missing() for absent ones."""
        problems: list[Problem] = []
        for name, value in parameters.items():
            if name not in self.inputs:
                problems.append(self._unknown(name, suggest=len(problems) < LISTED))
            elif problem := self.check_one(name, value, text_numbers=text_numbers):
                problems.append(problem)
        return problems

    def missing(self, parameters: Mapping[str, Any]) -> list[Problem]:
        """Return one problem for each required input without a value."""
        return [
            Problem(name, "missing", f"parameter `{name}` is required: the component has no default")
            for name, declared in self.inputs.items()
            if declared.required and name not in parameters
        ]

    def check_one(self, name: str, value: Any, *, text_numbers: bool = False) -> Problem | None:
        """What is wrong with a value of the input, or None. Raises KeyError: no such input."""
        return self._checked(name, value, text_numbers)

    def canonical(self, name: str, value: Any) -> Scalar:
        """Return the canonical form of a value. Raises KeyError for an unknown input, ValueError for a bad value."""
        return self._canonical(name, value)

    def wire(self, name: str, value: Any) -> str:
        """The canonical form as the text that a job's literal input carries. Raises as canonical."""
        return self._wired(name, value)

    @cached_property
    def _checked(self) -> Callable[..., Problem | None]:
        return _remembered(lambda name, value, text: self.inputs[name].check(value, text_numbers=text))

    @cached_property
    def _canonical(self) -> Callable[..., Scalar]:
        return _remembered(lambda name, value: self.inputs[name].canonical(value))

    @cached_property
    def _wired(self) -> Callable[..., str]:
        return _remembered(lambda name, value: self.inputs[name].wire(value))

    def defaults(self) -> dict[str, Scalar]:
        """Return the component's default of every input that has one, in canonical form."""
        return {name: i.default for name, i in self.inputs.items() if i.default is not None}

    def _unknown(self, name: str, *, suggest: bool) -> Problem:
        close = nearest(name, self.inputs, cutoff=0.75) if suggest else ""
        remedy = f"Did you mean {close}?" if close else ""
        return Problem(name, "unknown", f"unknown parameter `{name}`", remedy)


def _short(bound: float) -> int | float:
    return int(bound) if bound.is_integer() else bound


def _remembered(find: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which keeps its answers: the stacks of a run ask the same of one component again and again."""
    kept = lru_cache(maxsize=4096, typed=True)(find)

    def ask(*given: Any) -> Any:
        try:
            return kept(*given)
        except TypeError:  # a list or a mapping, which is wrong and no key
            return find(*given)

    return ask


def _read_input(name: str, body: Mapping[str, Any]) -> ComponentInput:
    raw = ComponentInput(
        name=name,
        type=str(body.get("type", "string")).lower(),
        optional=_truth(body.get("optional", False)),
        enum=tuple(_flag(e) if isinstance(e, bool) else str(e) for e in body.get("enum") or ()),
        minimum=_bound(body.get("min")),
        maximum=_bound(body.get("max")),
        mode=str(body.get("mode", "")),
    )
    default = body.get("default")
    if default is None:
        return raw
    return replace(raw, default=raw.canonical(default))


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).lower() == "true"


def _bound(value: Any) -> float | None:
    return None if value is None else _number(value)


def _flag(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool | str) else ""
    if text not in _FLAGS:
        raise ValueError(value)
    return text


def _whole(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    number = _number(value)
    if not number.is_integer():
        raise ValueError(value)
    return value if isinstance(value, int) else int(number)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise ValueError(value)
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(value) from None
    if not math.isfinite(number):
        raise ValueError(value)
    return number + 0.0


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else repr(value)
