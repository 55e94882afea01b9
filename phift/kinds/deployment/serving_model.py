"""The model that a deployment serves, for the VM sizes on which its publisher allows it to be served."""

from __future__ import annotations

from phift.kinds.deployment.parts import DeploymentParts
from phift.kinds.subject import Subject
from phift.state.desired import Desired
from phift.state.facts import BaseModel

__all__ = ["serving_model"]


def serving_model(subject: Subject, deployment: Desired[DeploymentParts]) -> BaseModel:
    """Return the base model of the training; without one, what is known of the served model: only a published one has
    lists."""
    if subject.facts.base_model is not None:
        return subject.facts.base_model
    parts = deployment.parts
    model = subject.stack.resource(parts.model) if parts.model else None
    live = subject.live(model) if model is not None and not model.owned else None
    if live is None:
        return BaseModel("", "", parts.model_name, "")
    registry = live.object_id.partition("/registries/")[2].partition("/")[0]
    return BaseModel.from_document(live.raw, registry=registry, name=parts.model_name)
