"""The effective parameters of a fine-tune: every literal input of the component, with the origin of its value.

Precedence of `model_defaults: fill`: author, model default, component default. With `override`, the defaults of the
model override the author, as in Azure's sample notebook; `ignore` ignores them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.catalog import ComponentInterface, Problem
from phift.kinds.job.component import managed_input

__all__ = ["FILE", "Effective", "Parameter", "effective_parameters"]

FILE = "uri_file"
"""The type of an input whose parameter is the path of a local file."""


@dataclass(frozen=True)
class Parameter:
    """value: canonical by the component's type. origin: "spec", "model default" or "component default"."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Effective:
    """parameters: by name. dropped: model defaults without an input in the component.

    problems: of the author's values, and required inputs without a value. defaults: those of the component.
    """

    parameters: Mapping[str, Parameter]
    dropped: tuple[str, ...] = ()
    overridden: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        return {name: p.value for name, p in self.parameters.items()}


def effective_parameters(
    interface: ComponentInterface, author: Mapping[str, Any], defaults: Mapping[str, Any], mode: str = "fill"
) -> Effective:
    """Merge the parameters by `mode` (fill | override | ignore). Values are canonical: 5e-6 equals "5e-06"."""
    problems = [*interface.check(author, text_numbers=True), *_unfit(interface, author)]
    wrong = {p.name for p in problems}
    parameters = {
        name: Parameter(declared.default, "component default")
        for name, declared in interface.inputs.items()
        if declared.is_literal and declared.default is not None and managed_input(name) is None
    }
    component_defaults = {name: parameter.value for name, parameter in parameters.items()}
    wanted = {n: _canonical(interface, n, v, "spec") for n, v in author.items() if n not in wrong}
    offered: dict[str, Parameter] = {}
    dropped: list[str] = []
    if mode != "ignore":
        for name, value in defaults.items():
            if managed_input(name) is not None:
                continue
            declared = interface.inputs.get(name)
            if declared is None or not declared.is_literal or interface.check_one(name, value, text_numbers=True):
                dropped.append(name)
            else:
                offered[name] = _canonical(interface, name, value, "model default")
    parameters |= {**wanted, **offered} if mode == "override" else {**offered, **wanted}
    overridden = [n for n in wanted if mode == "override" and n in offered and offered[n].value != wanted[n].value]
    problems += [
        problem
        for problem in interface.missing({**parameters, **author})
        if interface.inputs[problem.name].is_literal and managed_input(problem.name) is None
    ]
    return Effective(parameters, tuple(dropped), tuple(overridden), tuple(problems), component_defaults)


def _unfit(interface: ComponentInterface, author: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield a problem for each parameter that names something other than a value or a file, such as a folder."""
    for name, value in author.items():
        declared = interface.inputs.get(name)
        if declared is None or declared.is_literal or managed_input(name) is not None:
            continue
        if declared.type != FILE:
            yield Problem(name, "type", f"{name} takes a {declared.type}, which a parameter cannot be", "Remove it.")
        elif not isinstance(value, str):
            yield Problem(name, "type", f"{name} must be a file, got {value!r}", f"Write a path: {name}: FILE.json")


def _canonical(interface: ComponentInterface, name: str, value: Any, origin: str) -> Parameter:
    return Parameter(interface.canonical(name, value), origin)
