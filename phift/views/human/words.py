"""The wording of each action: in the legend, in a plan's comment line, during apply and on completion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from phift.address import Address
from phift.kinds.registry import KINDS
from phift.kinds.words import Words, number
from phift.plan.action import Action, Purpose
from phift.plan.model import Plan, PlannedResource

__all__ = ["WORDS", "kind_of_work", "losses", "planned_phrase", "words_of"]


WORDS = {
    Action.CREATE: Words("create", "will be created", "Creating...", "Still creating...", "Creation complete"),
    Action.RUN: Words("run (a job)", "will be run", "Starting...", "Still running...", "Run complete"),
    Action.UPDATE: Words(
        "update in-place", "will be updated in-place", "Modifying...", "Still modifying...", "Modifications complete"
    ),
    Action.SHIFT: Words("shift traffic", "will be shifted", "Shifting...", "Still shifting...", "Shift complete"),
    Action.ADOPT: Words("adopt", "will be adopted", "Adopting...", "Still adopting...", "Adoption complete"),
    Action.REPLACE: Words(
        "destroy and then create replacement",
        "must be replaced",
        "Replacing...",
        "Still replacing...",
        "Replacement complete",
    ),
    Action.DELETE: Words(
        "destroy", "will be destroyed", "Destroying...", "Still destroying...", "Destruction complete"
    ),
    Action.REUSE: Words("", "is reused", "Reading...", "Still reading...", "Reused"),
    Action.NO_OP: Words("", "is unchanged", "Reading...", "Still reading...", "Unchanged"),
}


def words_of(address: Address, action: Action) -> Words:
    """What the action is called for a resource of this kind."""
    return KINDS[address.kind].words.get(action) or WORDS[action]


def planned_phrase(resource: PlannedResource) -> str:
    """Return the phrase after the address in the comment line."""
    if resource.action is Action.RUN and resource.visible_changes:
        return "must be run again"
    return words_of(resource.address, resource.action).planned


def kind_of_work(plan: Plan) -> str:
    """Summarize an apply, the most expensive actions first, so that the prompt shows what is at stake."""
    writes = [r for r in plan.resources if r.action.changes_something]
    if plan.purpose != Purpose.APPLY:
        said = Counter(words_of(r.address, r.action).planned.removeprefix("will be ") for r in writes)
        kept = "" if said["archived"] or plan.purpose == Purpose.EXPIRE else "; data and registered models are kept"
        return ", ".join(f"{count} {what}" for what, count in said.items()) + kept
    jobs = [r for r in writes if r.action is Action.RUN and KINDS[r.address.kind].traits.trains]
    tests = sum(r.action is Action.RUN for r in writes) - len(jobs)
    deployments = sum(KINDS[r.address.kind].traits.serves and r.action.adds for r in writes)
    created = sum(r.action.adds for r in writes) - len(jobs) - tests - deployments
    parts = [
        "" if jobs or deployments or created or plan.counts.destroy else "configuration only",
        _training(jobs) if jobs else "",
        _count(deployments, "new deployment") if deployments else "",
        _count(tests, "test") if tests else "",
        _count(created, "new object") if created else "",
        _count(plan.counts.change, "in-place change", "in-place changes") if plan.counts.change else "",
        _count(plan.counts.destroy, "object destroyed", "objects destroyed") if plan.counts.destroy else "",
    ]
    return ", ".join(part for part in parts if part) or "nothing to do"


def losses(plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """Return what the plan destroys, and what it replaces, by the word for it: each address with a remark.

    Without what follows from a new deployment: the one whose place it takes, and what belongs to that one.
    """
    staying = {r.address.kind for r in plan.resources if r.action is not Action.DELETE}
    lost = [r for r in plan.resources if r.action.destroys and not _follows(r, staying)]
    words = {"Destroyed": Action.DELETE, "Destroyed and created again": Action.REPLACE}
    return {
        word: [(str(r.address), _remark(r)) for r in lost if r.action is action]
        for word, action in words.items()
        if any(r.action is action for r in lost)
    }


def _remark(resource: PlannedResource) -> str:
    named = resource.identity and not str(resource.address).endswith(resource.identity)
    hosts = KINDS[resource.address.kind].traits.hosts
    parts = (f"({resource.identity})" if named else "", "with its deployments" if hosts else "")
    return " ".join(filter(None, parts))


def _follows(resource: PlannedResource, staying: Collection[str]) -> bool:
    kind = resource.address.kind
    traits = KINDS[kind].traits
    return traits.accompanies or (traits.serves and resource.action is Action.DELETE and kind in staying)


def _training(jobs: list[PlannedResource]) -> str:
    """Return `1 training run on 4 GPUs (8 GPU hours at most)`. Only the job's own time limit is a bound: the job
    outlives the wait of an apply."""
    said = _count(len(jobs), "training run")
    each = [int(j.details.get("gpus") or 0) * int(j.details.get("instance_count") or 1) for j in jobs]
    if not all(each):
        return said
    said += f" on {_count(sum(each), 'GPU')}"
    minutes = [float(j.details.get("timeout_minutes") or 0) for j in jobs]
    if not all(minutes):
        return f"{said} (no time limit)"
    hours = sum(gpus * limit / 60 for gpus, limit in zip(each, minutes, strict=True))
    return f"{said} ({number(hours)} GPU hours at most)"


def _count(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
