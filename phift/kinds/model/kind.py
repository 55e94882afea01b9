"""The kind `model`: a registered MLflow model, identified by the digest of its training."""

from __future__ import annotations

from dataclasses import replace

from phift.kinds.base import Kind, Wire
from phift.kinds.model.checks import served_model
from phift.kinds.model.compile import models
from phift.kinds.model.parts import ModelObservation, ModelParts, ReferenceParts
from phift.kinds.model.plan import decide
from phift.kinds.model.words import WORDS, result, status
from phift.kinds.shared.permissions import archiving
from phift.plan.model import Decided
from phift.state.desired import Desired
from phift.state.traits import Nature, Traits

__all__ = ["MODEL"]


def _wire() -> Wire[ModelParts | ReferenceParts, ModelObservation]:
    from phift.kinds.model.wire import ModelWire

    return ModelWire()


def _decided(desired: Desired[ModelParts | ReferenceParts], decided: Decided) -> Desired[ModelParts | ReferenceParts]:
    if not isinstance(desired.parts, ModelParts) or not decided.tokens:
        return desired
    return replace(desired, parts=replace(desired.parts, tokens=decided.tokens))


MODEL = Kind(
    name="model",
    traits=Traits(nature=Nature.VERSION, deadline=900.0, adoptable=True),
    compile=models,
    load_wire=_wire,
    permissions=archiving("models/versions"),
    decide=decide,
    checks=(served_model,),
    decided=_decided,
    words=WORDS,
    status=status,
    result=result,
)
