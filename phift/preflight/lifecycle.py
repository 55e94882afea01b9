"""The base model may still be fine-tuned: what its publisher says of retirement."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from phift.diagnostics import Diagnostic, Severity
from phift.preflight.subject import Subject

__all__ = ["lifecycle"]


def lifecycle(subject: Subject) -> Iterator[Diagnostic]:
    """model-retired: a warning, as the registry decides what it still hands out."""
    model = subject.facts.base_model
    if model is None or model.finetune_retirement is None:
        return
    if model.finetune_retirement <= datetime.now(UTC).date() and not model.stand_in:
        yield subject.at(
            "base_model",
            Diagnostic(
                f"{model.name} was retired for fine-tuning on {model.finetune_retirement.isoformat()}",
                severity=Severity.WARNING,
                detail="The registry may stop handing it out at any time.",
                remedy="Move to a current model, such as Phi-4 (configs/phi4.yaml).",
                code="model-retired",
            ),
        )
