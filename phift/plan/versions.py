"""Decisions about immutable versions: reuse by content, update tags, restore from the archive."""

from __future__ import annotations

from typing import Any

from phift.plan.action import Action, ChangeAction
from phift.plan.decision import PlanContext, adopted, differences, later_note, planned, why
from phift.plan.model import PlannedResource
from phift.plan.standing import Standing, claimed_because, standing
from phift.state.desired import Desired
from phift.state.live import Live
from phift.state.states import Provisioning

__all__ = ["kept_version"]


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
