"""Why a stand-in of the emulator answers as if it had learned nothing.

What is known is in the tags of the base model: what the stand-in answers before a fine-tune, and what it learns with.
"""

from __future__ import annotations

from typing import Any

from phift.state.desired import Desired
from phift.state.facts import BaseModel
from phift.workbench.open import Workbench

__all__ = ["why_untrained"]

_SHOWN = ("num_train_epochs", "max_steps", "learning_rate", "per_device_train_batch_size")
"""The inputs of a fine-tune that decide how much it changes."""


def why_untrained(bench: Workbench, answer: str) -> str:
    """Return why the answer is that of the base model; empty if it is another answer, or if the weights are real."""
    model = _model(bench) if bench.loaded.target.local else None
    if model is None or not model.stand_in or not model.untrained or answer != model.untrained:
        return ""
    head = f"this is what the stand-in for {model.name} answers to everything before a fine-tune"
    trained = next((one for one in bench.stack.resources if one.traits.trains), None)
    if trained is None:
        return f"{head}; the spec serves it as-is"
    used = ", ".join(_used(trained))
    advice = f". On this target, it learns with about {model.learns}" if model.learns else ""
    return f"{head}; the fine-tune of this stack ({used}) changed too little{advice}"


def _model(bench: Workbench) -> BaseModel | None:
    """Return the facts of the model that is trained or served, if they can be read."""
    served = bench.resolved.facts.served
    if bench.resolved.facts.base_model is not None or served is None or not served.version:
        return bench.resolved.facts.base_model
    return bench.remote.base_model(served.registry or "", served.name, served.version)


def _used(trained: Desired[Any]) -> list[str]:
    """Return the inputs that decide how much the model learns; steps below 0 mean that epochs count."""
    values = trained.inputs.get("parameters") or {}
    by_steps = int(values.get("max_steps") or -1) > 0
    left_out = "num_train_epochs" if by_steps else "max_steps"
    return [f"{name} {values[name]}" for name in _SHOWN if name in values and name != left_out]
