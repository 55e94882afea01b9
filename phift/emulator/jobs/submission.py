"""What is in the body of a job PUT, checked as the service checks it before it accepts a job.

Texts of input validation are assumed, not recorded: status, code and the named input are what clients can rely on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from phift.catalog import ComponentInterface
from phift.emulator.errors import ServiceError, detail
from phift.emulator.jobs.steps import PIPELINES
from phift.emulator.jobs.uris import place_of
from phift.emulator.registry.publish import REGISTRY, versions
from phift.emulator.routing import OPERATIONS_PAGE

if TYPE_CHECKING:
    from phift.emulator.context import Emulator

__all__ = ["Output", "Submission", "Work", "check_name", "read_submission"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_BINDING = re.compile(r"\$\{\{\s*parent\.(?P<side>inputs|outputs)\.(?P<name>[A-Za-z0-9_]+)\s*\}\}")
_COMPONENT = re.compile(
    r"azureml://registries/(?P<registry>[^/]+)/components/(?P<name>[^/]+)/(?:versions/(?P<version>[^/]+)|labels/latest)",
    re.IGNORECASE,
)
_TYPES = ("Pipeline", "Command")
_NO_COMMANDS = "not run here: the embedded Azure ML trains models and runs no commands of others"


@dataclass(frozen=True)
class Output:
    """An output of the component that is kept. uri: where the user wants it, "" for the default place."""

    component_name: str
    job_name: str
    uri: str


@dataclass(frozen=True)
class Work:
    """A job that can be trained here. node: its name in the pipeline. parameters: canonical, defaults filled in.

    given: names of those the request set. inputs: (uri, type) by input name. compute: name of the cluster the
    fine-tune runs on, "" for serverless. nodes: how many of its nodes.
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


@dataclass(frozen=True)
class Submission:
    """properties: of the request. work: None when the job is accepted but cannot be trained here, for `refusal`."""

    properties: dict[str, Any]
    work: Work | None
    refusal: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def work_document(self) -> dict[str, Any] | None:
        return None if self.work is None else asdict(self.work)


@dataclass(frozen=True)
class _Component:
    name: str
    version: str
    interface: ComponentInterface


def check_name(name: str) -> None:
    """Raises ServiceError 400 for a name no job may have; those left are safe as names of folders."""
    if not _NAME.fullmatch(name):
        raise ServiceError(
            400,
            "RequestInvalid",
            "Resource name is invalid. Resource name can only contain alphanumeric characters, dashes, and underscores,"
            " with a limit of 255 characters.",
        )


def read_submission(emulator: Emulator, body: Mapping[str, Any]) -> Submission:
    """The job in a PUT body. Raises ServiceError 400 for what is malformed and 404 for what does not exist."""
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise ServiceError(400, "RequestInvalid", "The request needs an object 'properties'.", target="properties")
    job_type = properties.get("jobType")
    if job_type not in _TYPES:
        if job_type in ("Sweep", "AutoML", "Spark", "Labeling", "FineTuning"):
            raise ServiceError(501, "NotImplemented", f"{job_type} jobs are not emulated: {OPERATIONS_PAGE}")
        raise ServiceError(400, "RequestInvalid", f"Unknown jobType '{job_type}'.", target="properties.jobType")
    for name in ("inputs", "outputs", "jobs", "tags", "properties", "settings"):
        if not isinstance(properties.get(name) or {}, dict):
            raise ServiceError(400, "RequestInvalid", f"'{name}' must be an object.", target=f"properties.{name}")
    tags = {str(key): str(value) for key, value in (properties.get("tags") or {}).items()}
    if job_type == "Command":
        return _command(properties, tags)
    nodes: dict[str, Any] = properties.get("jobs") or {}
    if not nodes:
        raise ServiceError(
            400, "UserError", "Pipeline job needs at least one node in 'jobs'.", target="properties.jobs"
        )
    works = [_work(emulator, name, node, properties) for name, node in nodes.items()]
    names = ", ".join(PIPELINES)
    if len(works) == 1 and works[0] is not None:
        return Submission(properties, works[0], tags=tags)
    refusal = f"not trained here: the embedded Azure ML trains pipelines of exactly one node, of component {names}"
    return Submission(properties, None, refusal, tags)


def _command(properties: dict[str, Any], tags: dict[str, str]) -> Submission:
    """A command job is accepted as the service accepts it, and fails when its turn comes."""
    for name in ("command", "environmentId"):
        if not properties.get(name):
            raise ServiceError(400, "UserError", f"A command job needs '{name}'.", target=f"properties.{name}")
    return Submission(properties, None, _NO_COMMANDS, tags)


def _work(emulator: Emulator, name: str, node: Any, pipeline: Mapping[str, Any]) -> Work | None:
    if not isinstance(node, dict):
        raise ServiceError(400, "RequestInvalid", f"Node '{name}' must be an object.", target=f"properties.jobs.{name}")
    component = _component(emulator, str(node.get("componentId") or ""))
    if component is None:
        return None
    problems = []
    literals: dict[str, Any] = {}
    assets: dict[str, list[str]] = {}
    top: Mapping[str, Any] = pipeline.get("inputs") or {}
    for key, raw in (node.get("inputs") or {}).items():
        value = _bound(key, raw, top)
        kind = str(value.get("job_input_type") or value.get("jobInputType") or "literal")
        declared = component.interface.inputs.get(key)
        if declared is not None and not declared.is_literal:
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
    for uri, kind in assets.values():
        place_of(emulator, uri, kind)
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
        outputs=[asdict(output) for output in _outputs(node, pipeline)],
        compute=_compute(emulator, str(parameters.get("compute_finetune") or ""), str(pipeline.get("computeId") or "")),
        nodes=int(parameters.get("num_nodes_finetune") or 1),
    )


def _component(emulator: Emulator, identifier: str) -> _Component | None:
    """The registry component; None for one of the workspace, which is not trained here."""
    found = _COMPONENT.fullmatch(identifier)
    if found is None:
        if "/components/" not in identifier:
            return None
        name, version = re.split(r"/components/|/versions/", identifier)[1:3]
        if emulator.store.get("components/versions", name, version) is None:
            raise _no_component(name, version)
        return None
    name, version = found["name"], found["version"] or ""
    published = versions("components", name) if found["registry"].lower() == REGISTRY else ()
    document = next((each for each in reversed(published) if version in ("", each["name"])), None)
    if document is None:
        raise _no_component(name, version or "latest")
    interface = ComponentInterface.from_spec(document["properties"]["componentSpec"])
    return _Component(name.lower(), str(document["name"]), interface)


def _no_component(name: str, version: str) -> ServiceError:
    return ServiceError(
        404, "UserError", f"Not found component {name} (version: {version}).", inner=("NotFound", "ComponentNotFound")
    )


def _bound(key: str, raw: Any, top: Mapping[str, Any]) -> Mapping[str, Any]:
    value = raw if isinstance(raw, dict) else {"value": raw}
    if (found := _BINDING.fullmatch(str(value.get("value") or ""))) and found["side"] == "inputs":
        if not isinstance(top.get(found["name"]), dict):
            raise ServiceError(
                400,
                "UserError",
                f"Input '{key}' is bound to the pipeline's input '{found['name']}', which is not there.",
            )
        return dict(top[found["name"]])
    return value


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


def _outputs(node: Mapping[str, Any], pipeline: Mapping[str, Any]) -> list[Output]:
    top: Mapping[str, Any] = pipeline.get("outputs") or {}
    outputs = []
    for name, raw in (node.get("outputs") or {}).items():
        value = raw.get("value") if isinstance(raw, dict) else raw
        found = _BINDING.fullmatch(str(value or ""))
        if not found or found["side"] != "outputs":
            continue
        if not isinstance(top.get(found["name"]), dict):
            raise ServiceError(
                400,
                "UserError",
                f"Output '{name}' is bound to the pipeline's output '{found['name']}', which is not there.",
            )
        outputs.append(Output(name, found["name"], str(top[found["name"]].get("uri") or "")))
    return outputs


def _compute(emulator: Emulator, input_value: str, pipeline_compute: str) -> str:
    wanted = input_value if input_value not in ("", "serverless") else pipeline_compute
    name = wanted.rstrip("/").rsplit("/", 1)[-1]
    if name in ("", "serverless"):
        return ""
    if emulator.store.get("compute", name) is None:
        raise ServiceError(
            400, "UserError", f"Compute target '{name}' was not found in the workspace.", inner=("NotFound",)
        )
    return name
