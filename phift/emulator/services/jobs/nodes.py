"""The nodes of a pipeline: what each is to do, checked against the interface of its component."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from phift.catalog import ComponentInterface
from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError, detail
from phift.emulator.runtime.training.steps import PIPELINES
from phift.emulator.services.assets.locations import place_of
from phift.emulator.services.registry.publish import REGISTRY, versions

__all__ = ["NodeOutput", "Output", "Work", "as_node", "in_order", "node_output", "read_node"]

_OF_PIPELINE = re.compile(r"\$\{\{\s*parent\.(?P<side>inputs|outputs)\.(?P<name>[A-Za-z0-9_]+)\s*\}\}")
_OF_NODE = re.compile(r"\$\{\{\s*parent\.jobs\.(?P<node>[A-Za-z0-9_-]+)\.outputs\.(?P<name>[A-Za-z0-9_]+)\s*\}\}")
_COMPONENT = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/components/(?P<name>[^/]+)/(?:versions/(?P<version>[^/]+)|labels/latest)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NodeOutput:
    """An output of another node of the same pipeline, as the input of one."""

    node: str
    name: str


@dataclass(frozen=True)
class Output:
    """An output of the component that is kept. job_name: the pipeline's output it becomes, "" for one that only other
    nodes read. uri: where the user wants it, "" for the default place."""

    component_name: str
    job_name: str = ""
    uri: str = ""


@dataclass(frozen=True)
class Work:
    """A node that can be trained here. node: its name in the pipeline. parameters: canonical, defaults filled in.

    given: names of those the request set. inputs: (uri, type) by input name; the uri of another node's output is its
    binding, `${{parent.jobs.NODE.outputs.NAME}}`. compute: name of the cluster the fine-tune runs on, "" for
    serverless. nodes: how many of its nodes. after: the nodes whose outputs it reads.
    """

    node: str
    component: str
    version: str
    parameters: dict[str, Any]
    given: list[str]
    inputs: dict[str, list[str]]
    outputs: list[dict[str, str]]
    compute: str
    nodes: int
    after: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Component:
    name: str
    version: str
    interface: ComponentInterface


def node_output(uri: str) -> NodeOutput | None:
    """The output of another node that an input is bound to, or None."""
    found = _OF_NODE.fullmatch(uri)
    return NodeOutput(found["node"], found["name"]) if found else None


def as_node(pipeline: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline that is one component, not nodes, as the one node it amounts to."""
    component = str(pipeline.get("componentId"))
    found = re.search(r"/components/([^/]+)/", component)
    inputs = {name: {"value": f"${{{{parent.inputs.{name}}}}}"} for name in pipeline.get("inputs") or {}}
    outputs = {name: {"value": f"${{{{parent.outputs.{name}}}}}"} for name in pipeline.get("outputs") or {}}
    return {found[1] if found else "component": {"componentId": component, "inputs": inputs, "outputs": outputs}}


def read_node(context: Context, name: str, pipeline: Mapping[str, Any], nodes: Mapping[str, Any]) -> Work | None:
    """What a node does; None when it is not a fine-tune that is trained here.

    Raises ServiceError 400 for what does not fit the component and 404 for what does not exist.
    """
    node = nodes[name]
    if not isinstance(node, dict):
        raise ServiceError(400, "RequestInvalid", f"Node '{name}' must be an object.", target=f"properties.jobs.{name}")
    component = _component(context, str(node.get("componentId") or ""))
    if component is None:
        return None
    literals, assets = _inputs(name, node, component, pipeline, nodes)
    for uri, kind in assets.values():
        if node_output(uri) is None:
            place_of(context, uri, kind)
    if component.name not in PIPELINES:
        return None
    parameters = component.interface.defaults() | {
        key: component.interface.canonical(key, value) for key, value in literals.items()
    }
    return Work(
        node=name,
        component=component.name,
        version=component.version,
        parameters=dict(parameters),
        given=sorted(literals),
        inputs=assets,
        outputs=[asdict(output) for output in _outputs(name, node, pipeline, nodes)],
        compute=_compute(context, str(parameters.get("compute_finetune") or ""), str(pipeline.get("computeId") or "")),
        nodes=int(parameters.get("num_nodes_finetune") or 1),
        after=sorted({bound.node for uri, _ in assets.values() if (bound := node_output(uri))}),
    )


def in_order(works: list[Work]) -> list[Work]:
    """The works so that each comes after those it reads from; raises ServiceError 400 for a cycle."""
    left, done, ordered = list(works), set[str](), list[Work]()
    while left:
        ready = next((work for work in left if done.issuperset(work.after)), None)
        if ready is None:
            names = ", ".join(work.node for work in left)
            raise ServiceError(400, "UserError", f"The nodes {names} wait for each other's outputs.")
        left.remove(ready)
        done.add(ready.node)
        ordered.append(ready)
    return ordered


def _component(context: Context, identifier: str) -> _Component | None:
    """The registry component; None for one of the workspace, which is not trained here."""
    found = _COMPONENT.fullmatch(identifier)
    if found is None:
        if "/components/" not in identifier:
            return None
        name, version = re.split(r"/components/|/versions/", identifier)[1:3]
        if context.store.get("components/versions", name, version) is None:
            raise _no_component(identifier, name, version)
        return None
    name, version = found["name"], found["version"] or ""
    published = versions("components", name) if found["registry"].lower() == REGISTRY else ()
    document = next((each for each in reversed(published) if version in ("", each["name"])), None)
    if document is None:
        raise _no_component(identifier, name, version or "latest")
    interface = ComponentInterface.from_spec(document["properties"]["componentSpec"])
    return _Component(name.lower(), str(document["name"]), interface)


def _no_component(identifier: str, name: str, version: str) -> ServiceError:
    """As recorded 2022-11: the code is NotFound, and the message names the key that was asked for."""
    text = f"key: {identifier}, Message: Not found component {name} (version: {version})."
    return ServiceError(404, "NotFound", text)


def _inputs(
    name: str,
    node: Mapping[str, Any],
    component: _Component,
    pipeline: Mapping[str, Any],
    nodes: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The literals, and (uri, type) of the assets; raises ServiceError 400 with all that is wrong."""
    problems = []
    literals: dict[str, Any] = {}
    assets: dict[str, list[str]] = {}
    top: Mapping[str, Any] = pipeline.get("inputs") or {}
    for key, raw in (node.get("inputs") or {}).items():
        value = _bound(key, raw, top)
        kind = str(value.get("job_input_type") or value.get("jobInputType") or "literal")
        declared = component.interface.inputs.get(key)
        if declared is not None and node_output(str(value.get("value") or "")):
            if problem := _bound_to_node(key, str(value["value"]), declared.type, name, nodes):
                problems.append((key, problem))
            else:
                assets[key] = [str(value["value"]), declared.type]
        elif declared is not None and not declared.is_literal:
            if "uri" not in value or kind != declared.type:
                problems.append((key, f"{key} must be a {declared.type}, got {kind}"))
                continue
            assets[key] = [str(value["uri"]), declared.type]
        elif "uri" in value and declared is not None:
            problems.append((key, f"{key} must be a {declared.type}, got {kind}"))
        else:
            literals[key] = value.get("value")
    problems += [(p.name, p.summary) for p in component.interface.check(literals, text_numbers=True)]
    problems += [(p.name, p.summary) for p in component.interface.missing({**literals, **assets})]
    if problems:
        raise _refused(name, component.name, problems)
    return literals, assets


def _bound(key: str, raw: Any, top: Mapping[str, Any]) -> Mapping[str, Any]:
    value = raw if isinstance(raw, dict) else {"value": raw}
    if (found := _OF_PIPELINE.fullmatch(str(value.get("value") or ""))) and found["side"] == "inputs":
        if not isinstance(top.get(found["name"]), dict):
            raise ServiceError(
                400,
                "UserError",
                f"Input '{key}' is bound to the pipeline's input '{found['name']}', which is not there.",
            )
        return dict(top[found["name"]])
    return value


def _bound_to_node(key: str, binding: str, kind: str, name: str, nodes: Mapping[str, Any]) -> str:
    """What is wrong with an input that is bound to another node's output; "" for nothing."""
    bound = node_output(binding)
    other = nodes.get(bound.node) if bound else None
    if bound is None or not isinstance(other, dict) or bound.node == name:
        return f"{key} is bound to {binding}, and there is no other node of that name"
    found = _COMPONENT.fullmatch(str(other.get("componentId") or ""))
    published = versions("components", found["name"]) if found else ()
    if not published:
        return ""  # of a component that is not known here: nobody runs it
    outputs = ComponentInterface.from_spec(published[-1]["properties"]["componentSpec"]).outputs
    if bound.name not in outputs:
        return f"{key} is bound to {binding}: its component has {', '.join(outputs)}"
    offered = outputs[bound.name].type
    return "" if offered == kind else f"{key} must be a {kind}, and {binding} is a {offered}"


def _refused(node: str, component: str, problems: list[tuple[str, str]]) -> ServiceError:
    texts = "; ".join(text for _, text in problems)
    return ServiceError(
        400,
        "UserError",
        f"Invalid inputs of node '{node}' (component {component}): {texts}.",
        target=f"properties.jobs.{node}.inputs.{problems[0][0]}",
        details=[detail("InvalidInput", text, f"inputs.{key}") for key, text in problems],
        inner=("BadArgument", "InvalidInput"),
    )


def _outputs(name: str, node: Mapping[str, Any], pipeline: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[Output]:
    """Those that become outputs of the pipeline, and those that only other nodes read."""
    top: Mapping[str, Any] = pipeline.get("outputs") or {}
    outputs = {}
    for key, raw in (node.get("outputs") or {}).items():
        value = raw.get("value") if isinstance(raw, dict) else raw
        found = _OF_PIPELINE.fullmatch(str(value or ""))
        if not found or found["side"] != "outputs":
            continue
        if not isinstance(top.get(found["name"]), dict):
            raise ServiceError(
                400,
                "UserError",
                f"Output '{key}' is bound to the pipeline's output '{found['name']}', which is not there.",
            )
        outputs[key] = Output(key, found["name"], str(top[found["name"]].get("uri") or ""))
    for other in nodes.values():
        for raw in ((other.get("inputs") or {}) if isinstance(other, dict) else {}).values():
            value = raw.get("value") if isinstance(raw, dict) else raw
            bound = node_output(str(value or ""))
            if bound and bound.node == name:
                outputs.setdefault(bound.name, Output(bound.name))
    return list(outputs.values())


def _compute(context: Context, input_value: str, pipeline_compute: str) -> str:
    wanted = input_value if input_value not in ("", "serverless") else pipeline_compute
    name = wanted.rstrip("/").rsplit("/", 1)[-1]
    if name in ("", "serverless"):
        return ""
    if context.store.get("compute", name) is None:
        raise ServiceError(
            400, "UserError", f"Compute target '{name}' was not found in the workspace.", inner=("NotFound",)
        )
    return name
