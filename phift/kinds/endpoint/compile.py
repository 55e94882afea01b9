"""endpoint.main: the endpoint of the spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.address import Address
from phift.compile.draft import Draft, drop_none
from phift.compile.naming import endpoint_name
from phift.spec import EndpointBlock
from phift.state.desired import Desired, NoParts
from phift.state.exports import EndpointExport

__all__ = ["endpoint"]

ENDPOINT = Address("endpoint", "main")
_ADD_ENDPOINT = "Write endpoint: {auth_mode: key}."
_ADD_DEPLOYMENT = "Write deployment: {instance_type: SIZE, instance_count: 1}."


def endpoint(draft: Draft) -> list[Desired[NoParts]]:
    """Return the endpoint, if the spec defines one."""
    block = draft.spec.endpoint
    if block is None:
        if draft.spec.deployment is not None:
            draft.error("deployment", "`deployment` requires `endpoint`", code="no-endpoint", remedy=_ADD_ENDPOINT)
        return []
    if draft.spec.deployment is None:
        draft.error("endpoint", "`endpoint` requires `deployment`", code="no-deployment", remedy=_ADD_DEPLOYMENT)
    name = block.name or draft.named(ENDPOINT, endpoint_name(draft.stack, draft.facts.arm_id))
    draft.export(EndpointExport(ENDPOINT, name, block.name is None))
    return [
        Desired(
            address=ENDPOINT,
            name=name,
            properties=drop_none(
                {
                    "auth_mode": block.auth_mode,
                    "public_network_access": block.public_network_access,
                    "identity": _identity(block),
                    "properties": block.properties or None,
                    "description": block.description or draft.spec.description,
                    "tags": draft.tags(block.tags),
                }
            ),
            # Deleting it would delete the deployments too.
            protect=block.protect
            or (draft.spec.deployment is not None and draft.spec.deployment.protect)
            or draft.spec.protect,
            azure=block.azure,
            generated=block.name is None,
            former_names=() if block.name else tuple(endpoint_name(s, draft.facts.arm_id) for s in draft.former),
            adopt=draft.spec.adopts("endpoint"),
        )
    ]


def _identity(block: EndpointBlock) -> Mapping[str, Any] | None:
    if block.identity is None:
        return None
    return drop_none(
        {
            "type": block.identity.type,
            "user_assigned_identities": list(block.identity.user_assigned_identities) or None,
        }
    )
