"""How a node of a pipeline that is a sweep is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from phift.emulator.services.jobs.bindings import Scope, objects
from phift.emulator.services.jobs.commands import read_command_node
from phift.emulator.services.jobs.components import Component
from phift.emulator.services.jobs.nodeinputs import read_inputs
from phift.emulator.services.jobs.sweep.settings import read_sweep
from phift.emulator.services.jobs.works import Command, Sweep

__all__ = ["component_of_trials", "read_sweep_node"]

_PARTS = ("limits", "objective", "early_termination")
_ARGUMENTS = ("min_value", "max_value", "mu", "sigma", "upper", "q")
"""Of distributions, in the order in which sweep jobs have them."""


def component_of_trials(node: Mapping[str, Any]) -> str:
    """The id of the component whose command the trials of a node run."""
    trial = node.get("trial")
    return str(objects(trial).get("componentId") or (trial if isinstance(trial, str) else ""))


def read_sweep_node(scope: Scope, name: str, node: Mapping[str, Any], component: Component) -> Sweep | str:
    """A node that is a sweep over a command component; the reason where it cannot run here.

    Raises ServiceError 400 for what is malformed, and 501 for samplers that are not emulated.
    """
    settings = _settings(node)
    sweep, timeout = read_sweep(settings)
    # the inputs that it tries are checked with their first values
    tried = {**node, "inputs": {**objects(node.get("inputs")), **next(sweep.values(name), {})}}
    inputs = read_inputs(scope, name, tried, component)
    command = read_command_node(scope, name, {**tried, "limits": {"timeout": timeout}}, component, inputs)
    if isinstance(command, str):
        return command
    parts = {each.name: getattr(command, each.name) for each in fields(Command)}
    return Sweep(**{**parts, "deterministic": False}, settings=settings)


def _settings(node: Mapping[str, Any]) -> dict[str, Any]:
    """As a sweep job is sent: nodes have other names, and distributions as objects."""
    sampling = node.get("sampling_algorithm")
    sent = {"type": sampling} if isinstance(sampling, str) else objects(sampling)
    kind = sent.get("type") or sent.get("sampling_algorithm_type")
    space = node.get("search_space")
    return {
        "samplingAlgorithm": {**sent, "samplingAlgorithmType": kind},
        "searchSpace": {key: _distribution(each) for key, each in objects(space).items()},
        **{_camel(part): {_camel(key): value for key, value in objects(node.get(part)).items()} for part in _PARTS},
    }


def _distribution(sent: Any) -> Any:
    body = objects(sent)
    if "values" in body:
        return [body.get("type"), [body["values"]]]
    return [body.get("type"), [body[key] for key in _ARGUMENTS if body.get(key) is not None]] if body else sent


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found[1].upper(), name)
