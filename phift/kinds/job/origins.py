"""The effective parameters of a first job by their origin, in words. A later job shows only what changed."""

from __future__ import annotations

from collections.abc import Iterator

from phift.catalog import ComponentInterface
from phift.kinds.job.parameters import Effective, effective_parameters
from phift.state.facts import BaseModel

__all__ = ["origins"]

_MODEL = "model default"


def origins(interface: ComponentInterface, model: BaseModel, effective: Effective) -> Iterator[str]:
    """Yield which defaults of the model the spec overrides, those that apply, and how many of the component apply.

    The values of the spec itself are the parameters of the planned job.
    """
    offered = {
        name: parameter.value
        for name, parameter in effective_parameters(interface, {}, model.defaults).parameters.items()
        if parameter.origin == _MODEL
    }
    merged = effective.parameters.items()
    yours = [
        f"{name} ({offered[name]})"
        for name, parameter in merged
        if parameter.origin == "spec" and offered.get(name, parameter.value) != parameter.value
    ]
    theirs = [f"{name} {parameter.value}" for name, parameter in merged if parameter.origin == _MODEL]
    others = sum(parameter.origin not in ("spec", _MODEL) for _, parameter in merged)
    if yours:
        yield f"your parameters override the model's {', '.join(yours)}"
    if theirs:
        yield f"from the model: {', '.join(theirs)}"
    if others:
        yield f"from the component: {others} more; to list them, run `phift render`"
