"""The managed identity of a compute or an endpoint: fields, and the form of azure-ai-ml."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.compile.draft import drop_none
from phift.kinds.shared.fields import Field, Group
from phift.spec.identity import ResourceIdentity

__all__ = ["IDENTITY", "identity_of"]

_WORDS = {"systemassigned": "system_assigned", "userassigned": "user_assigned", "none": None}


def identity_of(block: ResourceIdentity | None) -> Mapping[str, Any] | None:
    """Return the properties of an identity of the spec."""
    if block is None:
        return None
    return drop_none({"type": block.type, "user_assigned_identities": list(block.user_assigned_identities) or None})


def _kind(text: str | None) -> str | None:
    return _WORDS.get(text.lower(), text.lower()) if text else None


def _entity(values: Mapping[str, Any]) -> Any:
    from azure.ai.ml.entities import IdentityConfiguration, ManagedIdentityConfiguration

    users = [ManagedIdentityConfiguration(resource_id=one) for one in values.get("user_assigned_identities") or ()]
    return IdentityConfiguration(type=values["type"], user_assigned_identities=users or None)


IDENTITY = Group(
    "identity",
    "identity",
    (
        Field("type", "type", _kind),
        Field("user_assigned_identities", "userAssignedIdentities", lambda value: sorted(value) if value else None),
    ),
    _entity,
)
