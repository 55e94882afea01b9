"""traffic.main: all traffic of the stack to its deployment, after the tests and its autoscale setting."""

from __future__ import annotations

from phift.address import Address
from phift.compile.draft import Draft
from phift.kinds.traffic.parts import TrafficParts
from phift.spec import RolloutBlock
from phift.state.desired import Desired
from phift.state.exports import AutoscaleExport, DeploymentExport, EndpointExport, TestExport

__all__ = ["traffic"]

TRAFFIC = Address("traffic", "main")


def traffic(draft: Draft) -> list[Desired[TrafficParts]]:
    """Return the traffic split; nothing if it is unmanaged."""
    endpoint, deployment = draft.first(EndpointExport), draft.first(DeploymentExport)
    rollout = draft.spec.rollout or RolloutBlock()
    if endpoint is None or deployment is None or rollout.traffic == "unmanaged":
        return []
    after = (
        deployment.address,
        *(test.address for test in draft.all(TestExport)),
        *(setting.address for setting in draft.all(AutoscaleExport)),
    )
    wanted = {"traffic": {deployment.name: 100}}
    return [Desired(TRAFFIC, endpoint.name, wanted, parts=TrafficParts(deployment), depends_on=after)]
