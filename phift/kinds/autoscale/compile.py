"""autoscale.main: the autoscale setting of the deployment, in place before traffic moves to it."""

from __future__ import annotations

from phift.address import Address
from phift.compile.draft import Draft
from phift.kinds.autoscale.parts import AutoscaleParts
from phift.state.desired import Desired
from phift.state.exports import AutoscaleExport, DeploymentExport, EndpointExport, TestExport

__all__ = ["autoscale"]

AUTOSCALE = Address("autoscale", "main")


def autoscale(draft: Draft) -> list[Desired[AutoscaleParts]]:
    """Return the autoscale setting, if the deployment has one.

    It comes after the tests, so that an idle new deployment does not scale in before it receives requests.
    """
    block = draft.spec.deployment.autoscale if draft.spec.deployment else None
    endpoint, deployment = draft.first(EndpointExport), draft.first(DeploymentExport)
    if block is None or endpoint is None or deployment is None or draft.spec.deployment is None:
        return []
    from phift.kinds.autoscale.document import profiles
    from phift.kinds.autoscale.reading import observed

    target = f"{draft.facts.arm_id}/onlineEndpoints/{endpoint.name}/deployments/{deployment.name}"
    written = profiles(block, target)
    document = {"properties": {"enabled": True, "targetResourceUri": target, "profiles": written}}
    draft.export(AutoscaleExport(AUTOSCALE))
    return [
        Desired(
            address=AUTOSCALE,
            name=deployment.setting,
            properties={**observed(document), "tags": draft.tags(draft.spec.deployment.tags)},
            parts=AutoscaleParts(target, written, block.most, deployment),
            depends_on=(deployment.address, *(test.address for test in draft.all(TestExport))),
            generated=endpoint.generated,
            azure=block.azure,
            adopt=draft.spec.adopts("deployment"),
        )
    ]
