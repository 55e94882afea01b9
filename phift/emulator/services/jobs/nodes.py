"""The nodes of a pipeline as works: each checked against its component, those of nested pipelines with the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from phift.emulator.core.context import Context
from phift.emulator.core.errors import OPERATIONS_PAGE, ServiceError
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.services.assets.locations import place_of
from phift.emulator.services.jobs.bindings import (
    Scope,
    defaults_of,
    is_nested,
    node_of,
    objects,
    output_sent,
    output_target,
)
from phift.emulator.services.jobs.commands import read_command_node
from phift.emulator.services.jobs.components import Component, find_component
from phift.emulator.services.jobs.computes import check_serverless, compute_name
from phift.emulator.services.jobs.nodeinputs import Inputs, read_inputs
from phift.emulator.services.jobs.sweep.reading import component_of_trials, read_sweep_node
from phift.emulator.services.jobs.works import Command, Output, Training, node_output

__all__ = ["as_node", "in_order", "read_pipeline"]

_COMMAND_NODES = ("", "command")
_SWEEP = "sweep"


def as_node(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline that is one component, not nodes, as the one node it amounts to."""
    component = str(pipeline.get("componentId"))
    found = re.search(r"/components/([^/]+)/", component)
    inputs = {name: {"value": f"${{{{parent.inputs.{name}}}}}"} for name in pipeline.get("inputs") or {}}
    outputs = {name: {"value": f"${{{{parent.outputs.{name}}}}}"} for name in pipeline.get("outputs") or {}}
    return {found[1] if found else "component": {"componentId": component, "inputs": inputs, "outputs": outputs}}


def read_pipeline(
    context: Context, pipeline: Mapping[str, Any], nodes: Mapping[str, Any]
) -> tuple[list[Training | Command], str]:
    """The works of a pipeline job, each after those whose outputs it reads, and why it cannot run here, "" if it can.

    Raises ServiceError 400 for what does not fit the components and 404 for what does not exist.
    """
    settings = objects(pipeline.get("settings"))
    component = find_component(context, str(pipeline.get("componentId") or ""))
    inputs: dict[str, Mapping[str, Any] | None] = defaults_of(component) if component else {}
    for name, body in objects(pipeline.get("inputs")).items():
        inputs[name] = body if isinstance(body, dict) else {"value": body}
    outputs = {**dict.fromkeys(component.interface.outputs if component else ()), **objects(pipeline.get("outputs"))}
    scope = Scope(
        context,
        nodes,
        inputs,
        {name: output_sent(objects(body), name) for name, body in outputs.items()},
        compute=str(pipeline.get("computeId") or settings.get("default_compute") or ""),
    )
    found = list(_read(scope))
    refusals = [each for each in found if isinstance(each, str)]
    works = [each for each in found if not isinstance(each, str)]
    if refusals:
        return [], f"{refusals[0]} What the emulator has: {OPERATIONS_PAGE}"
    return in_order([_with_read_outputs(work, works) for work in works]), ""


def _read(scope: Scope) -> Iterator[Training | Command | str]:
    """The works of a pipeline's nodes; for a node that does not run here the reason."""
    for name in scope.nodes:
        node = node_of(scope, name)
        path = scope.path_of(name)
        kind = str(node.get("type") or "")
        identifier = component_of_trials(node) if kind == _SWEEP else str(node.get("componentId") or "")
        component = find_component(scope.context, identifier)
        if component is None:
            yield f"Node {path} is not run here: it is of type {kind or 'unknown'} and does not name a component."
            continue
        if kind == _SWEEP and component.type == "command":
            yield read_sweep_node(scope, name, node, component)
            continue
        if is_nested(component) and not component.published:
            yield from _read(scope.inside(name, node, component))
            continue
        inputs = read_inputs(scope, name, node, component)
        if component.published and component.name in PIPELINES:
            yield _training(scope, name, node, component, inputs)
        elif component.type == "command" and kind in _COMMAND_NODES:
            yield read_command_node(scope, name, node, component, inputs)
        else:
            yield (
                f"Node {path} is not run here: {component.name} is a component of type {component.type}. Commands run, "
                f"and of the components of the registry {', '.join(PIPELINES)} are trained."
            )


def _training(scope: Scope, name: str, node: Mapping[str, Any], component: Component, inputs: Inputs) -> Training:
    context = scope.context
    for uri, kind, _ in inputs.assets.values():
        if node_output(uri) is None:
            place_of(context, uri, kind)
    canonical = {key: component.interface.canonical(key, value) for key, value in inputs.literals.items()}
    parameters = {**component.interface.defaults(), **canonical}
    promoted = {
        key: target
        for key, raw in objects(node.get("outputs")).items()
        if (target := output_target(scope, key, raw)).job_name
    }
    return Training(
        node=scope.path_of(name),
        component=component.name,
        version=component.version,
        parameters=parameters,
        given=sorted(inputs.literals),
        inputs={key: [uri, kind] for key, (uri, kind, _) in inputs.assets.items()},
        outputs=[asdict(replace(target, component_name=key)) for key, target in promoted.items()],
        compute=compute_name(context, str(parameters.get("compute_finetune") or ""), scope.compute),
        instance_type=check_serverless(context, parameters, scope.compute),
        nodes=int(parameters.get("num_nodes_finetune") or 1),
        after=inputs.after,
    )


def _with_read_outputs(work: Training | Command, works: list[Training | Command]) -> Training | Command:
    """With the outputs that only other nodes read; a command keeps all of its outputs anyway."""
    kept = {output.component_name for output in work.kept}
    wanted = [
        bound.name
        for other in works
        for uri, *_ in other.inputs.values()
        if (bound := node_output(uri)) and bound.node == work.node and bound.name not in kept
    ]
    added = [asdict(Output(name)) for name in dict.fromkeys(wanted)]
    return replace(work, outputs=[*work.outputs, *added]) if added else work


def in_order(works: list[Training | Command]) -> list[Training | Command]:
    """The works so that each comes after those it reads from; raises ServiceError 400 for a cycle."""
    left, done, ordered = list(works), set[str](), list[Training | Command]()
    while left:
        ready = next((work for work in left if done.issuperset(work.after)), None)
        if ready is None:
            names = ", ".join(work.node for work in left)
            raise ServiceError(400, "UserError", f"The nodes {names} wait for each other's outputs.")
        left.remove(ready)
        done.add(ready.node)
        ordered.append(ready)
    return ordered
