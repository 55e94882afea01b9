"""Check that the base model can be fine-tuned: its weights exist, and its publisher has not retired it."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check, has
from phift.kinds.subject import Subject

__all__ = ["lifecycle"]


@check(
    "model-lifecycle",
    reads="retirement dates and weights of the base model",
    source="registry document of the model, phift's catalogue",
    applies=has("job"),
)
def lifecycle(subject: Subject) -> Iterator[Diagnostic]:
    """weights-missing, and model-retired, which is a warning as the registry may still provide the model."""
    model = subject.facts.base_model
    if model is not None and model.no_weights and subject.loaded.spec.finetune is not None:
        yield subject.at(
            "base_model",
            Diagnostic(
                f"the emulator has neither the weights of {model.name} nor a stand-in for them",
                detail="It has stand-ins for Phi-3-mini, Phi-3-medium, Phi-3.5-mini, Phi-4 and phi-2.",
                remedy="Use Phi-3-mini-4k-instruct on this target, or plan for a workspace: --target NAME.",
                code="weights-missing",
            ),
        )
    if model is None or model.finetune_retirement is None:
        return
    if model.finetune_retirement <= subject.facts.today and not model.stand_in:
        yield subject.at(
            "base_model",
            Diagnostic(
                f"{model.name} was retired for fine-tuning on {model.finetune_retirement.isoformat()}",
                severity=Severity.WARNING,
                detail="The registry may stop providing it at any time.",
                remedy="Use a current model, such as Phi-4 (configs/phi4.yaml).",
                code="model-retired",
            ),
        )
