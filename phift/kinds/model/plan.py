"""Whether a model version is registered."""

from __future__ import annotations

from phift.kinds.model.parts import FileParts, ModelObservation, ModelParts, ReferenceParts
from phift.plan.action import Action
from phift.plan.decision import Decision, PlanContext, decide_mutable, planned
from phift.plan.model import KNOWN_AFTER_APPLY
from phift.plan.versions import kept_version
from phift.state.desired import Desired

__all__ = ["decide"]


def decide(
    desired: Desired[ModelParts | FileParts | ReferenceParts], seen: ModelObservation | None, context: PlanContext
) -> Decision:
    """Reuse the version of this training or content, or register the next one. References are not changed."""
    if not desired.owned:
        return decide_mutable(desired, seen, context)
    if seen and seen.live:
        return Decision(kept_version(desired, seen.live, context, f"{desired.name}:{seen.live.version}"))
    following = seen.next_version if seen else "1"
    return Decision(
        planned(
            desired,
            Action.CREATE,
            None,
            "no registered version with this content"
            if isinstance(desired.parts, FileParts)
            else "no registered version for these training inputs",
            identity=f"{desired.name} (version known after apply; expected {following})",
            details={"version": KNOWN_AFTER_APPLY, "next_version": following},
        )
    )
