"""The inputs of a node, checked against the interface of its component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.services.jobs.bindings import Scope, objects, output_of, resolve
from phift.emulator.services.jobs.components import Component, find_component
from phift.emulator.services.jobs.works import node_output

__all__ = ["Inputs", "read_inputs"]

_DATA = frozenset(("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model", "triton_model"))


@dataclass
class Inputs:
    """literals: values by name. assets: [uri, type, mode] by name."""

    literals: dict[str, Any] = field(default_factory=dict)
    assets: dict[str, list[str]] = field(default_factory=dict)

    @property
    def after(self) -> list[str]:
        """The nodes whose outputs are read."""
        return sorted({bound.node for uri, *_ in self.assets.values() if (bound := node_output(uri))})


def read_inputs(scope: Scope, name: str, node: Mapping[str, Any], component: Component) -> Inputs:
    """The inputs of a node; raises ServiceError 400 with all that is wrong."""
    found, problems = Inputs(), list[tuple[str, str]]()
    lenient = component.type != "pipeline"
    interface = component.interface
    for key, raw in objects(node.get("inputs")).items():
        declared = interface.inputs.get(key)
        if problem := _bound_to_itself_or_nobody(scope, name, key, raw):
            problems.append((key, problem))
            continue
        value = resolve(scope, key, raw)
        if value is None:
            continue
        kind = str(value.get("job_input_type") or value.get("jobInputType") or "literal")
        text, mode = str(value.get("value") or ""), str(value.get("mode") or (declared.mode if declared else ""))
        if declared is None:
            found.literals[key] = value.get("value")
        elif node_output(text) and declared.is_literal:
            problems.append((key, f"{key} is a {declared.type}: values are not passed between nodes, data is"))
        elif node_output(text):
            problem = _wrong_output(scope, key, raw, declared.type, lenient=lenient)
            if problem:
                problems.append((key, problem))
            else:
                found.assets[key] = [text, declared.type, mode]
        elif "uri" in value or not declared.is_literal:
            if "uri" not in value or not _fits(kind, declared.type, lenient=lenient):
                problems.append((key, f"{key} must be a {declared.type}, got {kind}"))
            else:
                found.assets[key] = [str(value["uri"]), kind if component.type == "command" else declared.type, mode]
        else:
            found.literals[key] = value.get("value")
    problems += [(p.name, p.summary) for p in interface.check(found.literals, text_numbers=True)]
    problems += [(p.name, p.summary) for p in interface.missing({**found.literals, **found.assets})]
    if problems:
        raise _rejected(scope.path_of(name), component.name, problems)
    return found


def _fits(kind: str, declared: str, *, lenient: bool) -> bool:
    """Whether an asset of one type can be the input of another; a command reads any data as any other, a file as a
    folder too, as Azure's tests of its client do."""
    return kind == declared or (lenient and kind in _DATA and declared in _DATA)


def _bound_to_itself_or_nobody(scope: Scope, name: str, key: str, raw: Any) -> str:
    text = _text(raw)
    if "parent.jobs." not in text:
        return ""
    bound = node_output(text)
    if bound is None or bound.node == name or not isinstance(scope.nodes.get(bound.node), dict):
        return f"{key} is bound to {text}, and there is no other node of that name"
    if output_of(scope, text) is None:
        return f"{key} is bound to {text}, and the pipeline {bound.node} has no such output"
    return ""


def _wrong_output(scope: Scope, key: str, raw: Any, kind: str, *, lenient: bool) -> str:
    """What is wrong with an input that is bound to another node's output; "" for nothing."""
    text = _text(raw)
    bound = node_output(text)
    node = objects(scope.nodes.get(bound.node)) if bound else {}
    other = find_component(scope.context, str(node.get("componentId") or ""))
    if bound is None or other is None:
        return ""  # of a node that does not run here, or of the pipeline around
    outputs = other.interface.outputs
    if bound.name not in outputs:
        return f"{key} is bound to {text}: its component has {', '.join(outputs)}"
    offered = outputs[bound.name].type
    return "" if _fits(offered, kind, lenient=lenient) else f"{key} must be a {kind}, and {text} is a {offered}"


def _text(raw: Any) -> str:
    value = raw if isinstance(raw, dict) else {"value": raw}
    return str(value.get("value") or value.get("uri") or "")


def _rejected(node: str, component: str, problems: list[tuple[str, str]]) -> ServiceError:
    texts = "; ".join(text for _, text in problems)
    return ServiceError(
        400,
        "UserError",
        f"Invalid inputs of node '{node}' (component {component}): {texts}.",
        target=f"properties.jobs.{node}.inputs.{problems[0][0]}",
        details=[detail("InvalidInput", text, f"inputs.{key}") for key, text in problems],
        inner=("BadArgument", "InvalidInput"),
    )
