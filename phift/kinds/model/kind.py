"""The kind `model`: a registered MLflow model, identified by the digest of its training."""

from __future__ import annotations

from dataclasses import replace

from phift.kinds.base import Kind, Wire
from phift.kinds.context import Context
from phift.kinds.exporting import Exported, Exporting
from phift.kinds.model.checks import registered_files, served_model
from phift.kinds.model.compile import models
from phift.kinds.model.parts import FileParts, ModelObservation, ModelParts, ReferenceParts
from phift.kinds.model.plan import decide
from phift.kinds.model.words import WORDS, result, status
from phift.kinds.shared.permissions import archiving
from phift.kinds.shared.uploads import seconds_for
from phift.plan.model import Decided
from phift.state.desired import Desired
from phift.state.traits import Nature, Traits

__all__ = ["MODEL"]

_DEADLINE = 900.0


def _wire() -> Wire[ModelParts | FileParts | ReferenceParts, ModelObservation]:
    from phift.kinds.model.wire import ModelWire

    return ModelWire()


def _decided(
    desired: Desired[ModelParts | FileParts | ReferenceParts], decided: Decided
) -> Desired[ModelParts | FileParts | ReferenceParts]:
    if not isinstance(desired.parts, ModelParts) or not decided.tokens:
        return desired
    return replace(desired, parts=replace(desired.parts, tokens=decided.tokens))


def _seconds(desired: Desired[ModelParts | FileParts | ReferenceParts]) -> float:
    return seconds_for(desired.parts.folder) if isinstance(desired.parts, FileParts) else _DEADLINE


def _export(
    exporting: Exporting, desired: Desired[ModelParts | FileParts | ReferenceParts], seen: ModelObservation | None
) -> Exported | None:
    from phift.kinds.model.export import export

    return export(exporting, desired, seen)


def _objects(context: Context, desired: Desired[ModelParts | FileParts | ReferenceParts]) -> list[str]:
    from phift.kinds.shared.versions import versions_in

    return [str(raw["name"]) for raw in versions_in(context, f"models/{desired.name}")] if desired.owned else []


MODEL = Kind(
    name="model",
    traits=Traits(nature=Nature.VERSION, deadline=_DEADLINE, adoptable=True),
    compile=models,
    load_wire=_wire,
    export=_export,
    blocks=("model",),
    objects=_objects,
    permissions=archiving("models/versions"),
    decide=decide,
    checks=(served_model, registered_files),
    decided=_decided,
    seconds=_seconds,
    words=WORDS,
    status=status,
    result=result,
)
