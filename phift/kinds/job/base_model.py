"""Check a base model that is not registered, before a job runs: the weights are here, the hub has what is pinned."""

from __future__ import annotations

from collections.abc import Iterator

from phift.diagnostics import Diagnostic, Severity
from phift.errors import PhiftError
from phift.kinds.check import check
from phift.kinds.subject import Subject
from phift.plan.action import Action
from phift.state.facts import BaseModel

__all__ = ["own_weights"]


def _runs_own(subject: Subject) -> bool:
    """Return whether a job will run whose base model is not registered."""
    model = subject.facts.base_model
    runs = any(subject.action(job) is Action.RUN for job in subject.stack.of_kind("job"))
    return runs and model is not None and model.weights is not None


@check(
    "base-model-weights",
    reads="the folder of weights, the newest commit of a model of the hub",
    source="this machine, the hub",
    applies=_runs_own,
)
def own_weights(subject: Subject) -> Iterator[Diagnostic]:
    """weights-folder, an error, and hub-model-moved, a warning."""
    model = subject.facts.base_model
    if model is None or model.weights is None or not _runs_own(subject):
        return
    if model.weights.missing:
        yield subject.at(
            "base_model",
            Diagnostic(
                f"no such folder: {model.weights.missing}",
                detail="phift.lock pins its content, but the job has to run, and its weights are not on this machine.",
                remedy="Restore the folder.",
                code="weights-folder",
            ),
        )
    if model.weights.literal and (finding := _moved(model, model.weights.literal)):
        yield subject.at("base_model", finding)


def _moved(model: BaseModel, id: str) -> Diagnostic | None:
    """Compare the pinned commit with the current one: the component does not accept a commit."""
    from phift.data.hub.models import commit_of  # takes long to import

    pinned = model.id.rpartition("@")[2]
    try:
        current = commit_of(id)
    except PhiftError as error:
        return Diagnostic(
            f"the commit of {id} could not be compared with phift.lock",
            severity=Severity.WARNING,
            detail=f"{error.summary}. The component downloads what is current when the job runs.",
            remedy="Check HF_ENDPOINT and HF_TOKEN on this machine.",
            code="hub-model-moved",
        )
    if current == pinned:
        return None
    return Diagnostic(
        f"{id} is at commit {current[:12]}, but phift.lock pins {pinned[:12]}",
        severity=Severity.WARNING,
        detail="The component does not accept a commit: the job would train the current one under the digest of the "
        "pinned one.",
        remedy="Run `phift lock --upgrade` to pin the current commit, which retrains.",
        code="hub-model-moved",
    )
