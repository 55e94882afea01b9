"""Commands as works: of a command job, of a node with a command component, of the trials of a sweep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from phift.emulator.core.context import Context
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.validation import text_map
from phift.emulator.runtime.commands.substitution import references
from phift.emulator.runtime.serving.durations import seconds_of
from phift.emulator.services.jobs.bindings import Scope, objects, output_sent, output_target, setting
from phift.emulator.services.jobs.codes import find_code
from phift.emulator.services.jobs.components import Component
from phift.emulator.services.jobs.computes import compute_name
from phift.emulator.services.jobs.nodeinputs import Inputs
from phift.emulator.services.jobs.works import Command

__all__ = ["distributed", "read_command_node", "read_job_command", "seconds"]

_FALSE = ("false", "0")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Of inputs and outputs, which also are names of folders."""


def read_command_node(
    scope: Scope, name: str, node: Mapping[str, Any], component: Component, inputs: Inputs
) -> Command | str:
    """A node whose component is a command; the reason where it cannot run here.

    Raises ServiceError 400 for what is malformed.
    """
    spec, path = component.spec, scope.path_of(name)
    resources = {**objects(spec.get("resources")), **objects(node.get("resources"))}
    distribution = node.get("distribution") or spec.get("distribution")
    if why := distributed(distribution, resources):
        return f"Node {path} is not run here: {why}."
    command = str(spec.get("command") or "")
    code = _asset_id(node.get("code") or spec.get("code"))
    if "/registries/" in code and find_code(scope.context, code) is None:
        return f"Node {path} is not run here: the code of component {component.name} is kept in a registry of Azure."
    sent = objects(node.get("outputs"))
    outputs = [
        replace(target, component_name=key, type=declared.type or target.type, mode=target.mode or declared.mode)
        for key, declared in component.interface.outputs.items()
        for target in (output_target(scope, key, sent.get(key)),)
    ]
    defaults = {
        key: body["default"]
        for key, body in objects(spec.get("inputs")).items()
        if isinstance(body, dict) and body.get("default") is not None
    }
    literals = {key: _text(value) for key, value in {**defaults, **inputs.literals}.items()}
    _check_references(command, literals, inputs.assets, [output.component_name for output in outputs])
    variables = {**objects(spec.get("environment_variables")), **objects(node.get("environment_variables"))}
    work = Command(
        node=path,
        component=component.name,
        version=component.version,
        display_name=str(node.get("display_name") or ""),
        inputs=inputs.assets,
        outputs=[asdict(output) for output in outputs],
        compute=compute_name(
            scope.context, str(setting(scope, "computeId", node.get("computeId")) or ""), scope.compute
        ),
        after=inputs.after,
        command=command,
        code=code,
        environment=_asset_id(node.get("environment") or spec.get("environment")),
        variables={str(key): _text(value) for key, value in variables.items()},
        literals=literals,
        timeout=seconds(
            setting(scope, "timeout", objects(node.get("limits")).get("timeout")),
            f"properties.jobs.{path}.limits.timeout",
        ),
        deterministic=str(spec.get("is_deterministic", True)).lower() not in _FALSE,
    )
    _check_can_start(work, f"properties.jobs.{path}")
    return work


def read_job_command(context: Context, properties: Mapping[str, Any], trial: Mapping[str, Any]) -> Command:
    """The command of a command job, or of a trial of a sweep.

    properties: of the job. trial: where the command itself is described, in a command job the same. Raises ServiceError
    400 for what is malformed and for a cluster that does not exist.
    """
    command, outputs = str(trial.get("command") or ""), []
    literals: dict[str, str] = {}
    assets: dict[str, list[str]] = {}
    for key, body in objects(properties.get("inputs")).items():
        sent = objects(body)
        if sent.get("uri"):
            assets[key] = [str(sent["uri"]), str(sent.get("jobInputType") or ""), str(sent.get("mode") or "")]
        elif sent.get("value") is not None:
            literals[key] = _text(sent["value"])
    for key, body in objects(properties.get("outputs")).items():
        output = output_sent(objects(body), key)
        outputs.append(replace(output, component_name=key, type=output.type or "uri_folder"))
    _check_references(command, literals, assets, [output.component_name for output in outputs])
    limits = objects(trial.get("limits"))
    work = Command(
        node="",
        display_name=str(properties.get("displayName") or ""),
        inputs=assets,
        outputs=[asdict(output) for output in outputs],
        compute=compute_name(context, str(properties.get("computeId") or ""), ""),
        command=command,
        code=str(trial.get("codeId") or ""),
        environment=str(trial.get("environmentId") or ""),
        variables=text_map(trial.get("environmentVariables"), "environmentVariables"),
        literals=literals,
        timeout=seconds(limits.get("timeout"), "properties.limits.timeout"),
    )
    _check_can_start(work, "properties")
    return work


def distributed(distribution: Any, resources: Mapping[str, Any]) -> str:
    """Why a command needs more than the one process that it gets here; "" when it does not."""
    sent = objects(distribution)
    names = ("processCountPerInstance", "process_count_per_instance", "workerCount", "worker_count")
    processes = max((_count(sent[name]) for name in names if sent.get(name)), default=1)
    instances = _count(resources.get("instanceCount") or resources.get("instance_count") or 1)
    if processes > 1:
        kind = sent.get("distributionType") or sent.get("type") or "the"
        return f"{kind} distribution over {processes} processes is not emulated"
    return f"instance_count {instances} is not emulated for commands" if instances > 1 else ""


def seconds(value: Any, target: str) -> float:
    """The seconds of a timeout, sent as an ISO 8601 duration or as a number; 0 for none. Raises ServiceError 400."""
    if value in (None, ""):
        return 0.0
    try:
        return float(value) if _is_number(value) else seconds_of(str(value))
    except (ValueError, OverflowError) as error:
        raise ServiceError(400, "UserError", f"The timeout is {error}.", target=target) from error


def _is_number(value: Any) -> bool:
    """Also as text, which inputs of a pipeline are."""
    return isinstance(value, int | float) or (isinstance(value, str) and value.isascii() and value.isdigit())


def _check_references(
    command: str,
    literals: Mapping[str, str],
    assets: Mapping[str, Any],
    outputs: Iterable[str],
) -> None:
    """Raises ServiceError 400 for inputs and outputs outside of optional sections that have no value. A hyperparameter
    that is not in the search space fails its trials, as Azure's tests of its client submit such jobs."""
    known = {"inputs": {*literals, *assets}, "outputs": {*outputs}}
    for each in references(command):
        if not each.optional and each.side in known and each.name not in known[each.side]:
            raise ServiceError(
                400,
                "UserError",
                f"The command refers to ${{{{{each.side}.{each.name}}}}}, which has no value.",
                target="properties.command",
                inner=("BadArgument",),
            )


def _check_can_start(work: Command, target: str) -> None:
    """Raises ServiceError 400 for names that no folder or environment variable can have, and for null characters."""
    for side, names in (
        ("inputs", {*work.inputs, *work.literals}),
        ("outputs", [output.component_name for output in work.kept]),
    ):
        for name in names:
            if not _NAME.fullmatch(name):
                text = f"'{name}' cannot be the name of one of the {side}: use letters, digits, and underscores."
                raise ServiceError(400, "UserError", text, target=f"{target}.{side}", inner=("BadArgument",))
    for name in work.variables:
        if not name or "=" in name:
            text = f"'{name}' cannot be the name of an environment variable."
            raise ServiceError(400, "UserError", text, target=f"{target}.environmentVariables", inner=("BadArgument",))
    texts = (work.command, *work.literals.values(), *work.variables, *work.variables.values())
    if any("\0" in text for text in texts):
        text = "The command, its inputs and its environment variables cannot contain null characters."
        raise ServiceError(400, "UserError", text, target=target, inner=("BadArgument",))


def _asset_id(value: Any) -> str:
    """The id of a reference such as `azureml:/subscriptions/...`; "" for one that is written in place."""
    return (
        value.removeprefix("azureml:")
        if isinstance(value, str) and value.startswith("azureml:/subscriptions")
        else _text(value)
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _count(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 1
