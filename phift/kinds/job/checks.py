"""Check that the base model can be fine-tuned: its weights exist, and its publisher has not retired it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check, has
from phift.kinds.subject import Subject

__all__ = ["lifecycle"]

_SOON = timedelta(days=90)
"""A retirement that near is reported."""


@check(
    "model-lifecycle",
    reads="retirement dates and weights of the base model",
    source="registry document of the model, phift's catalogue",
    applies=has("job"),
)
def lifecycle(subject: Subject) -> Iterator[Diagnostic]:
    """weights-missing; model-retired and model-retiring, warnings as the registry may still provide the model."""
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
    if model is None or model.stand_in:
        return
    uses = [("fine-tuning", model.finetune_retirement)]
    if subject.stack.of_kind("deployment"):
        uses.append(("serving", model.inference_retirement))
    for use, day in uses:
        if day is not None and (finding := _retirement(model.name, use, day, subject.facts.today)):
            yield subject.at("base_model", finding)


def _retirement(name: str, use: str, day: date, today: date) -> Diagnostic | None:
    if day <= today:
        return Diagnostic(
            f"{name} was retired for {use} on {day.isoformat()}",
            severity=Severity.WARNING,
            detail="The registry may stop providing it at any time."
            if use == "fine-tuning"
            else "Its publisher no longer supports deployments of it.",
            remedy="Use a current model, such as Phi-4 (configs/phi4.yaml).",
            code="model-retired",
        )
    if day <= today + _SOON:
        return Diagnostic(
            f"{name} will be retired for {use} on {day.isoformat()}",
            severity=Severity.WARNING,
            detail="After that day, the registry may stop providing it.",
            remedy="Plan the change to a current model, such as Phi-4 (configs/phi4.yaml).",
            code="model-retiring",
        )
    return None
