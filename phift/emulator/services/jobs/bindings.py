"""What the expressions of a pipeline's nodes stand for: `${{parent.inputs.x}}`, `${{parent.outputs.x}}` and
`${{parent.jobs.NODE.outputs.x}}`, in the job's own pipeline and in pipelines inside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.jobs.components import Component, find_component
from phift.emulator.services.jobs.works import NodeOutput, Output, binding

__all__ = [
    "Scope",
    "defaults_of",
    "is_nested",
    "node_of",
    "objects",
    "output_of",
    "output_sent",
    "output_target",
    "resolve",
    "setting",
]

MAX_DEPTH = 16
"""Pipelines inside each other."""

_OF_PIPELINE = re.compile(r"\$\{\{\s*parent\.(?P<side>inputs|outputs)\.(?P<name>[A-Za-z0-9_.]+)\s*\}\}")
_OF_NODE = re.compile(r"\$\{\{\s*parent\.jobs\.(?P<node>[A-Za-z0-9_-]+)\.outputs\.(?P<name>[A-Za-z0-9_.]+)\s*\}\}")


@dataclass(frozen=True)
class Scope:
    """A pipeline whose nodes are read.

    path: of the pipeline in the job, "" for the job's own. nodes: as sent. inputs: what its inputs stand for, None for
    an optional one without a value. outputs: where its outputs go, by name; `component_name` is empty. compute: the
    default of its nodes.
    """

    context: Context
    nodes: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, Any] | None]
    outputs: Mapping[str, Output]
    path: str = ""
    compute: str = ""
    depth: int = 0

    def path_of(self, node: str) -> str:
        return f"{self.path}/{node}" if self.path else node

    def inside(self, name: str, node: Mapping[str, Any], component: Component) -> Scope:
        """The scope of a node that is a pipeline itself. Raises ServiceError 400 for too many inside each other."""
        if self.depth >= MAX_DEPTH:
            raise ServiceError(400, "UserError", f"More than {MAX_DEPTH} pipelines are inside each other.")
        given = objects(node.get("inputs"))
        inputs = defaults_of(component)
        for key in inputs:
            if key in given and (resolved := resolve(self, key, given[key])) is not None:
                inputs[key] = resolved
        sent = objects(node.get("outputs"))
        outputs = {key: output_target(self, key, sent.get(key)) for key in component.interface.outputs}
        compute = str(setting(self, "computeId", node.get("computeId")) or "") or self.compute
        return Scope(
            self.context,
            objects(component.spec.get("jobs")),
            inputs,
            outputs,
            self.path_of(name),
            compute,
            self.depth + 1,
        )


def objects(value: Any) -> dict[str, Any]:
    """A member that is an object; {} for anything else."""
    return value if isinstance(value, dict) else {}


def defaults_of(component: Component) -> dict[str, Mapping[str, Any] | None]:
    """What each input of a component stands for without a value: {value}, None without a default."""
    return {
        key: None if declared.get("default") is None else {"value": declared["default"]}
        for key, declared in _declared(component.spec.get("inputs"))
    }


def _declared(inputs: Any, prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The inputs of a spec; those of a group are named `group.name`, as jobs send them."""
    for key, body in objects(inputs).items():
        if objects(body).get("type") == "group":
            yield from _declared(body.get("values"), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", objects(body)


def node_of(scope: Scope, name: str) -> Mapping[str, Any]:
    """The node as sent. Raises ServiceError 400 for what is not an object."""
    node = scope.nodes[name]
    if not isinstance(node, dict):
        raise ServiceError(400, "RequestInvalid", f"Node '{name}' must be an object.", target=f"properties.jobs.{name}")
    return node


def is_nested(component: Component | None) -> bool:
    """Whether a component is a pipeline whose nodes are known here."""
    return bool(component and component.type == "pipeline" and objects(component.spec.get("jobs")))


def resolve(scope: Scope, key: str, raw: Any) -> Mapping[str, Any] | None:
    """What an input of a node stands for: {value} or {uri, job_input_type, mode}; None for an optional input of the
    pipeline without a value. The value of another node's output is its binding.

    Raises ServiceError 400 for an input of the pipeline that does not exist.
    """
    value: Mapping[str, Any] = raw if isinstance(raw, dict) else {"value": raw}
    text = str(value.get("value") or value.get("uri") or "")
    mode = {"mode": value["mode"]} if value.get("mode") else {}
    if (found := _OF_PIPELINE.fullmatch(text)) and found["side"] == "inputs":
        if found["name"] not in scope.inputs:
            raise ServiceError(
                400,
                "UserError",
                f"Input '{key}' is bound to the pipeline's input '{found['name']}', which is not there.",
            )
        outer = scope.inputs[found["name"]]
        return None if outer is None else {**outer, **mode}
    if output := output_of(scope, text):
        return {"value": binding(output), **mode}
    return value


def setting(scope: Scope, name: str, raw: Any) -> Any:
    """A setting of a node, such as its compute: where it is bound to an input of the pipeline, the value of that."""
    found = resolve(scope, name, raw) if isinstance(raw, str) else {"value": raw}
    return None if found is None else found.get("value")


def output_of(scope: Scope, text: str) -> NodeOutput | None:
    """The output of a node of this pipeline that an expression names; of a nested pipeline, of the node inside it that
    makes it. None for any other text, and for a nested pipeline without such an output."""
    found = _OF_NODE.fullmatch(text)
    if not found:
        return None
    return _maker(scope.context, scope.nodes, scope.path, NodeOutput(found["node"], found["name"]), 0)


def _maker(context: Context, nodes: Mapping[str, Any], path: str, output: NodeOutput, depth: int) -> NodeOutput | None:
    node = objects(nodes.get(output.node))
    own = f"{path}/{output.node}" if path else output.node
    component = find_component(context, str(node.get("componentId") or ""))
    if component is None or not is_nested(component):
        return NodeOutput(own, output.name)
    inner = objects(component.spec.get("jobs"))
    for name, each in inner.items():
        for key, raw in objects(objects(each).get("outputs")).items():
            bound = _OF_PIPELINE.fullmatch(str(objects(raw).get("value") or raw or ""))
            if bound and bound["side"] == "outputs" and bound["name"] == output.name and depth < MAX_DEPTH:
                return _maker(context, inner, own, NodeOutput(name, key), depth + 1)
    return None


def output_target(scope: Scope, key: str, raw: Any) -> Output:
    """Where an output of a node goes: where the pipeline's own goes that it is bound to, or where the node says.

    Raises ServiceError 400 for an output of the pipeline that does not exist.
    """
    sent = raw if isinstance(raw, dict) else {"value": raw}
    bound = _OF_PIPELINE.fullmatch(str(sent.get("value") or ""))
    if bound and bound["side"] == "outputs":
        if bound["name"] not in scope.outputs:
            raise ServiceError(
                400,
                "UserError",
                f"Output '{key}' is bound to the pipeline's output '{bound['name']}', which is not there.",
            )
        target, own = scope.outputs[bound["name"]], output_sent(sent)
        return replace(
            target,
            mode=own.mode or target.mode,
            asset_name=target.asset_name or own.asset_name,
            asset_version=target.asset_version if target.asset_name else own.asset_version,
        )
    return output_sent(sent)


def output_sent(sent: Mapping[str, Any], job_name: str = "") -> Output:
    """An output as a request describes it: of a job in camelCase, of a node in snake_case and with other names."""

    def text(*names: str) -> str:
        return next((str(sent[name]) for name in names if sent.get(name)), "")

    return Output(
        component_name="",
        job_name=job_name,
        uri=text("uri"),
        type=text("jobOutputType", "job_output_type"),
        mode=text("mode"),
        asset_name=text("assetName", "asset_name", "name"),
        asset_version=text("assetVersion", "asset_version", "version"),
    )
