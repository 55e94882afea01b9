"""Decisions about immutable versions: reuse by content, update tags, restore from the archive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from phift.plan.action import Action, ChangeAction
from phift.plan.decision import Decision, PlanContext, adopted, differences, later_note, planned, why
from phift.plan.model import PlannedResource
from phift.plan.standing import Standing, claimed_because, standing
from phift.state.desired import Desired
from phift.state.live import Live, Observation
from phift.state.states import Provisioning

__all__ = ["decide_version", "kept_version"]

_MISSING = "its file was deleted or replaced outside phift: will be uploaded again"


def decide_version(desired: Desired[Any], seen: Observation | None, context: PlanContext) -> Decision:
    """Decide about a version whose number is its digest: create it if there is none with this content, upload it again
    if its file is missing, else keep it."""
    identity = f"{desired.name}:{desired.digest}"
    if seen is None or seen.live is None:
        return Decision(
            planned(desired, Action.CREATE, None, "no registered version with this content", identity=identity)
        )
    kept = kept_version(desired, seen.live, context, identity)
    if desired.address in context.policy.missing:
        kept = replace(kept, action=Action.UPDATE, reason=_MISSING)
    return Decision(kept)


def kept_version(desired: Desired[Any], live: Live, context: PlanContext, identity: str) -> PlannedResource:
    """Plan an existing version: reuse it, update its tags, or restore it from the archive."""
    rules, policy = context.rules(desired), context.policy
    stands = standing(desired, live, policy)
    if stands in (Standing.CLAIMED, Standing.MOVED):
        return adopted(desired, live, rules, claimed_because(desired, live, policy, context.stack.claim), identity)
    changes, unchanged = differences(desired, live, rules)
    visible = [c for c in changes if c.action is not ChangeAction.SUPPRESSED]
    if live.state == Provisioning.ARCHIVED:
        return planned(
            desired,
            Action.UPDATE,
            live,
            "archived: will be restored",
            changes=changes,
            unchanged=unchanged,
            identity=identity,
        )
    return planned(
        desired,
        Action.UPDATE if visible else Action.REUSE,
        live,
        why(visible) or "same content",
        changes=changes,
        unchanged=unchanged,
        identity=identity,
        notes=later_note(desired, live, "version"),
    )
