"""Whether the training runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.compile.naming import attempt_name
from phift.diagnostics import Diagnostic
from phift.kinds.job.limits import KEPT
from phift.kinds.job.parts import JobObservation, JobParts
from phift.plan.action import Action, ChangeAction, ChangedBy
from phift.plan.decision import Decision, PlanContext, later_note, named_in, planned
from phift.plan.model import Decided, FieldChange, PlannedResource
from phift.state.desired import Desired
from phift.state.live import Observation, Previous
from phift.state.overrides import leaves
from phift.state.states import RunState

__all__ = ["decide"]


def decide(desired: Desired[JobParts], seen: JobObservation | None, context: PlanContext) -> Decision:
    """Reuse the job if its model is registered or it has completed, await it if it is running, otherwise run it."""
    made = next((context.observed.get(d.address) for d in context.stack.dependents(desired.address)), None)
    if made and made.live:
        reason = f"its model is registered as {made.live.name}:{made.live.version}"
        return Decision(planned(desired, Action.REUSE, None, reason, notes=_later(desired, seen)))
    if seen is None or seen.live is None:
        return Decision(_retraining(desired, made.previous if made else None))
    live = seen.live
    if live.state == RunState.COMPLETED:
        notes = _later(desired, seen)
        return Decision(planned(desired, Action.REUSE, live, "already completed", identity=live.name, notes=notes))
    if not RunState.failed(live.state):
        doing = "being cancelled" if live.state == RunState.CANCEL_REQUESTED else "already running"
        reason = f"{doing} ({live.state}); will be awaited, not restarted"
        details: dict[str, Any] = _attempt(seen.attempt)
        if seen.overdue is not None:
            reason = f"already running ({live.state}), {seen.overdue}; will be cancelled"
            details["overdue_seconds"] = int(seen.overdue.seconds)
        again, notes = Decided(attempt=seen.attempt), _kept(desired)
        return Decision(
            planned(
                desired, Action.ADOPT, live, reason, identity=live.name, details=details, notes=notes, decided=again
            )
        )
    if context.policy.retry_failed or (seen.infrastructure and seen.attempt <= desired.parts.retries):
        following = seen.attempt + 1
        reason = f"attempt {seen.attempt} ended in state {live.state}" + (
            f": {seen.infrastructure}" if seen.infrastructure else ""
        )
        name, decided = attempt_name(desired.name, following), Decided(attempt=following)
        return Decision(
            planned(
                desired,
                Action.RUN,
                None,
                reason,
                identity=name,
                details=_attempt(following),
                notes=_kept(desired),
                decided=decided,
            )
        )
    if live.state == RunState.CANCELED:
        resource = planned(desired, Action.NO_OP, live, "was cancelled", identity=live.name)
        return Decision(resource, (_cancelled(desired, seen, live.name),))
    finding = Diagnostic(
        f"job {live.name} ended in state {live.state}, and its inputs have not changed since",
        detail="All attempts that finetune.retries allows have been made; reason of the last failure: "
        f"{seen.infrastructure}."
        if seen.infrastructure
        else "The same parameters, data and base model would most likely fail again.",
        remedy=seen.advice or "See `phift logs`. Change the spec, or re-run the job with --retry-failed.",
        address=str(desired.address),
        code="job-failed",
    )
    return Decision(
        planned(desired, Action.NO_OP, live, f"ended in state {live.state}", identity=live.name), (finding,)
    )


def _attempt(attempt: int) -> dict[str, int]:
    return {"attempt": attempt} if attempt > 1 else {}


def _kept(desired: Desired[JobParts]) -> tuple[str, ...]:
    """Return a note on who keeps the time limits."""
    return (f"{limits}: {KEPT}",) if (limits := desired.parts.limits) else ()


def _later(desired: Desired[JobParts], seen: Observation | None) -> tuple[str, ...]:
    return later_note(desired, seen.live, "run") if seen and seen.live else ()


def _retraining(desired: Desired[JobParts], previous: Previous | None) -> PlannedResource:
    changes = tuple(_retrain_changes(desired.inputs, previous.inputs)) if previous else ()
    reason = (
        f"{named_in(changes)} changed since model version {previous.label}" if previous and changes else "not run yet"
    )
    notes = (*(() if changes else desired.parts.origins), *_kept(desired))
    return planned(desired, Action.RUN, None, reason, changes=changes, notes=notes)


def _retrain_changes(wanted: Mapping[str, Any], before: Mapping[str, Any]) -> list[FieldChange]:
    """Return the differences from an earlier training; each forces retraining."""
    new, old = dict(leaves(wanted)), dict(leaves(before))
    return [
        FieldChange(
            path.removeprefix("parameters."),
            new.get(path),
            old.get(path),
            ChangeAction.RETRAIN,
            "changes what is trained",
            ChangedBy.YOU,
        )
        for path in [*new, *(p for p in old if p not in new)]
        if new.get(path) != old.get(path)
    ]


def _cancelled(desired: Desired[JobParts], seen: JobObservation, name: str) -> Diagnostic:
    """Return the finding about a cancelled job. It did not fail: its inputs may be valid, but a user cancelled it, or
    phift did so at a time limit."""
    if seen.exceeded is not None:
        field, minutes = seen.exceeded
        return Diagnostic(
            f"job {name} exceeded finetune.{field} ({minutes}) and was cancelled",
            detail=f"It did not fail; it was cancelled {seen.cancelled}.",
            remedy=f"Raise finetune.{field}, then re-run the job: `phift apply --retry-failed`.",
            address=str(desired.address),
            code="job-timeout",
        )
    return Diagnostic(
        f"job {name} was cancelled",
        detail=f"It did not fail; it was cancelled {seen.cancelled}." if seen.cancelled else "",
        remedy="To re-run it: `phift apply --retry-failed`.",
        address=str(desired.address),
        code="job-cancelled",
    )
