"""Check that the model of a serve-only spec exists."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic, Severity
from phift.kinds.check import check, has
from phift.kinds.model.parts import ReferenceParts
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.state.states import Provisioning

__all__ = ["served_model"]


@check("served-model", reads="the model version", source="the workspace or the registry", applies=has("model"))
def served_model(subject: Subject) -> Iterator[Diagnostic]:
    """model-missing, model-archived."""
    for desired in subject.stack.of_kind("model"):
        live = subject.live(desired)
        if desired.owned or (live is not None and live.state != Provisioning.ARCHIVED):
            continue
        reference: ReferenceParts = desired.parts
        what = f"{desired.name}:{reference.version}"
        where = f"registry {reference.registry}" if reference.registry else "the workspace"
        # An existing deployment continues to serve an archived model.
        serving = live is not None and not any(
            subject.action(one) in {Action.CREATE, Action.REPLACE} for one in subject.stack.dependents(desired.address)
        )
        restore = f"Restore it: `az ml model restore --name {desired.name} --version {reference.version}`"
        yield subject.at(
            "model",
            Diagnostic(
                f"model {what} not found in {where}" if live is None else f"model {what} is archived",
                Severity.WARNING if serving else Severity.ERROR,
                detail="Its deployment continues to serve it; a new deployment is rejected." if serving else "",
                remedy="To list the models, run `az ml model list`." if live is None else restore,
                address=str(desired.address),
                code="model-missing" if live is None else "model-archived",
            ),
        )
