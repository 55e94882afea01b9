"""Effective parameters without a workspace: what the author, the pinned model and the component make together.

Imports nothing of Azure, so that `phift render` needs neither a network nor its libraries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from phift.catalog import component
from phift.kinds.job.parameters import effective_parameters
from phift.lock import lock_path, read_lock
from phift.spec import Origin, OriginKind

if TYPE_CHECKING:
    from phift.spec import LoadedSpec

__all__ = ["Defaults", "defaults_of"]


_BOOLEANS = {"true": True, "false": False}
"""Components take words, a spec YAML's booleans: what is rendered is a spec again."""


@dataclass(frozen=True)
class Defaults:
    """values: what the model and the component add, by dotted path, with its origin. notes: what is not known, why."""

    values: dict[str, tuple[Any, Origin]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def defaults_of(loaded: LoadedSpec) -> Defaults:
    """From the lock file beside the spec and the catalogue of components that phift carries.

    Raises InvalidSpecError for a lock file that is none.
    """
    block, base = loaded.spec.finetune, loaded.spec.base_model
    if block is None or base is None:
        return Defaults()
    pins = read_lock(lock_path(loaded.path)).stack(loaded.stack)
    model, pinned = pins.model_for(str(base)), pins.component_for(str(block.component))
    if model is None or pinned is None:
        return Defaults(notes=("defaults of model and component: not pinned yet, phift plan or phift lock does it",))
    known = component(block.component.name)
    if known is None or known.version != pinned.version:
        name = f"{block.component.name}:{pinned.version}"
        return Defaults(notes=(f"defaults of model and component: {name} is read from the workspace, by phift plan",))
    effective = effective_parameters(known.interface, block.parameters, model.model_defaults, block.model_defaults)
    origins = {
        kind.value: Origin(kind, name)
        for kind, name in (
            (OriginKind.MODEL_DEFAULT, f"{base.name}:{model.version}"),
            (OriginKind.COMPONENT_DEFAULT, f"{known.name}:{known.version}"),
        )
    }
    values = {
        f"finetune.parameters.{name}": (_BOOLEANS.get(p.value, p.value), origins[p.origin])
        for name, p in effective.parameters.items()
        if p.origin in origins
    }
    dropped = ", ".join(effective.dropped)
    notes = (f"model defaults that are no input of {known.name}: {dropped}",) if dropped else ()
    return Defaults(values, notes)
