"""The fine-tune pipeline components of the public `azureml` registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from phift.catalog.files import names_in, read_facts
from phift.catalog.interface import ComponentInput, ComponentInterface, ComponentOutput

__all__ = ["Component", "StepInterface", "component", "components"]


@dataclass(frozen=True)
class StepInterface:
    """A step of a pipeline component.

    component: its own component as `name:version`. inputs: its inputs, from the pipeline or an earlier step.
    outputs: the pipeline outputs it writes (`${{parent.outputs.x}}`). after: the steps it depends on.
    """

    name: str
    component: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, str]
    after: tuple[str, ...]


@dataclass(frozen=True)
class Component:
    """A registry component: its interface (typed inputs and outputs) and its steps in the order they run."""

    name: str
    version: str
    type: str
    display_name: str
    interface: ComponentInterface
    steps: Mapping[str, StepInterface]

    @property
    def inputs(self) -> Mapping[str, ComponentInput]:
        """The typed inputs in the component's order."""
        return self.interface.inputs

    @property
    def outputs(self) -> Mapping[str, ComponentOutput]:
        """The typed outputs."""
        return self.interface.outputs


@cache
def _load(name: str) -> Component:
    facts = read_facts(f"components/{name}.yaml")
    steps = {
        step: StepInterface(step, body["component"], tuple(body["inputs"]), body["outputs"], tuple(body["after"]))
        for step, body in facts["steps"].items()
    }
    return Component(
        name=facts["name"],
        version=facts["version"],
        type=facts["type"],
        display_name=facts["display_name"],
        interface=ComponentInterface.from_spec(facts),
        steps=MappingProxyType(steps),
    )


def components() -> Mapping[str, Component]:
    """Return all components by name, sorted. Parses every file: for a single one, use component()."""
    return MappingProxyType({name: _load(name) for name in names_in("components").values()})


def component(name: str) -> Component | None:
    """Return the component of that name (case-insensitive), or None if it is not in the catalogue."""
    found = names_in("components").get(name.lower())
    return _load(found) if found else None
