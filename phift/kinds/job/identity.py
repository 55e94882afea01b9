"""The identity of a job in the form of azure-ai-ml."""

from __future__ import annotations

from typing import Any

from phift.spec.identity import JobIdentity

__all__ = ["identity_entity"]


def identity_entity(identity: JobIdentity) -> Any:
    """Return the entity of an identity of the spec."""
    from azure.ai.ml.entities import (
        AmlTokenConfiguration,
        ManagedIdentityConfiguration,
        UserIdentityConfiguration,
    )

    match identity.type:
        case "managed":
            return ManagedIdentityConfiguration(
                client_id=identity.client_id, object_id=identity.object_id, resource_id=identity.msi_resource_id
            )
        case "user_identity":
            return UserIdentityConfiguration()
        case _:
            return AmlTokenConfiguration()
