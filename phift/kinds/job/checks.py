"""Check that the base model can be fine-tuned (its weights exist, its publisher has not retired it), and that the
trainer accepts the parameters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check, has
from phift.kinds.job.parameters import effective_parameters
from phift.kinds.job.trainer import Setting, is_catalogued, trainer_findings
from phift.kinds.job.training import fewest_tokens
from phift.kinds.shared.retirement import is_near
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.state.facts import DataFacts

__all__ = ["lifecycle", "trainer"]


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
    if is_near(day, today):
        return Diagnostic(
            f"{name} will be retired for {use} on {day.isoformat()}",
            severity=Severity.WARNING,
            detail="After that day, the registry may stop providing it.",
            remedy="Plan the change to a current model, such as Phi-4 (configs/phi4.yaml).",
            code="model-retiring",
        )
    return None


@check(
    "trainer-rules",
    reads="effective parameters, VM size, splits, rows of data.train",
    source="phift's catalogue of the trainer's rules",
    applies=has("job"),
)
def trainer(subject: Subject) -> Iterator[Diagnostic]:
    """parameter-bounds, parameter-conflict, parameter-effect: of a job that will run."""
    block, model, component = subject.loaded.spec.finetune, subject.facts.base_model, subject.facts.component
    if block is None or model is None or component is None:
        return
    if not any(p.address.kind == "job" and p.action is Action.RUN for p in subject.planned):
        return
    effective = effective_parameters(component.interface, block.parameters, model.defaults, block.model_defaults)
    train = subject.facts.data.get("train")
    rows, longest = _measured(train)
    sizes = [d for d in subject.stack.of_kind("compute") if d.parts.task == "finetune"]
    setting = Setting(
        model=model.name,
        size=subject.size_of(sizes[0])[0] if sizes else subject.facts.referenced_size,
        nodes=block.instance_count,
        splits=frozenset(subject.facts.data),
        rows=rows,
        longest=longest,
        least=fewest_tokens(train.recipe) if longest is None and train and train.recipe else None,
    )
    for finding in trainer_findings(effective, setting, catalogued=is_catalogued(component)):
        yield subject.at(finding.path, finding)


def _measured(train: DataFacts | None) -> tuple[int | None, int | None]:
    """Return the rows of a split and the tokens of its longest row, where an earlier step has counted them."""
    if train is None or train.recipe is None:
        return None, None
    if train.rows is not None:
        return train.rows, train.longest
    from phift.data.cache import kept_rows  # reads all formats, and most plans run no job

    kept = kept_rows(train.recipe)
    return (kept.rows if kept else None), train.longest
