"""Compute effective parameters without a workspace: from the spec, the pinned model and the component.

Does not import Azure libraries, so that `phift render` needs neither them nor a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phift.catalog import ComponentInterface, component
from phift.kinds.job.parameters import effective_parameters
from phift.lock import lock_path, read_lock
from phift.spec import Origin, OriginKind

if TYPE_CHECKING:
    from phift.spec import LoadedSpec

__all__ = ["Defaults", "defaults_of"]


_BOOLEANS = {"true": True, "false": False}
"""Components use words, a spec uses YAML booleans: the rendered output is a spec again."""


@dataclass(frozen=True)
class Defaults:
    """values: defaults of model and component by dotted path, with their origin. notes: what is unknown, and why."""

    values: dict[str, tuple[Any, Origin]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def defaults_of(loaded: LoadedSpec) -> Defaults:
    """Read them from the lock file next to the spec and phift's catalogue of components.

    Raises InvalidSpecError for an invalid lock file.
    """
    block, base = loaded.spec.finetune, loaded.spec.base_model
    if block is None or base is None:
        return Defaults()
    lock = read_lock(lock_path(loaded.path))
    pins = lock.stack(loaded.stack)
    model, pinned = pins.model_for(str(base)), pins.component_for(str(block.component))
    if model is None or pinned is None:
        return Defaults(notes=("defaults of model and component: not pinned yet; run phift plan or phift lock",))
    name, known = f"{block.component.name}:{pinned.version}", component(block.component.name)
    if inputs := lock.inputs.get(pinned.id):
        interface = ComponentInterface.from_spec({"inputs": inputs})
    elif known is not None and known.version == pinned.version:
        interface = known.interface
    else:
        return Defaults(notes=(f"defaults of model and component: {name} is in the workspace; run phift lock",))
    effective = effective_parameters(interface, block.parameters, model.model_defaults, block.model_defaults)
    origins = {
        kind.value: Origin(kind, name)
        for kind, name in (
            (OriginKind.MODEL_DEFAULT, f"{base.name}:{model.version}"),
            (OriginKind.COMPONENT_DEFAULT, name),
        )
    }
    values = {
        f"finetune.parameters.{name}": (_BOOLEANS.get(p.value, p.value), origins[p.origin])
        for name, p in effective.parameters.items()
        if p.origin in origins
    }
    dropped = ", ".join(effective.dropped)
    notes = (f"ignored model defaults (not inputs of {block.component.name}): {dropped}",) if dropped else ()
    return Defaults(values, notes)
