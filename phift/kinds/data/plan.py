"""Whether a data version is uploaded."""

from __future__ import annotations

from dataclasses import replace

from phift.kinds.data.parts import DataParts
from phift.plan.action import Action
from phift.plan.decision import Decision, PlanContext, planned
from phift.plan.versions import kept_version
from phift.state.desired import Desired
from phift.state.live import Observation

__all__ = ["MISSING", "decide"]

MISSING = "its file was deleted or replaced outside phift: will be uploaded again"


def decide(desired: Desired[DataParts], seen: Observation | None, context: PlanContext) -> Decision:
    """Plan an upload if a version with this content does not exist, or if its file is missing."""
    identity = f"{desired.name}:{desired.digest}"
    if seen is None or seen.live is None:
        return Decision(
            planned(desired, Action.CREATE, None, "no registered version with this content", identity=identity)
        )
    kept = kept_version(desired, seen.live, context, identity)
    if desired.address in context.policy.missing:
        kept = replace(kept, action=Action.UPDATE, reason=MISSING)
    return Decision(kept)
