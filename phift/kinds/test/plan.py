"""Whether a test runs."""

from __future__ import annotations

from phift.kinds.test.parts import TestParts
from phift.plan.action import Action
from phift.plan.decision import Decision, PlanContext, planned
from phift.state.desired import Desired
from phift.state.live import Observation

__all__ = ["decide"]


def decide(desired: Desired[TestParts], seen: Observation | None, context: PlanContext) -> Decision:
    """Run the test before traffic shifts and if the deployment is new or serves another model."""
    deployment = context.planned.get(desired.parts.deployment.address)
    new = deployment is not None and (
        deployment.action in {Action.CREATE, Action.REPLACE} or any(c.path == "model" for c in deployment.changes)
    )
    traffic = context.router(desired.address)
    if new or (traffic is not None and traffic.action is Action.SHIFT):
        return Decision(planned(desired, Action.RUN, None, "the deployment must pass before it receives traffic"))
    return Decision(planned(desired, Action.NO_OP, None, "nothing to test"))
