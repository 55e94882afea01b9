"""The fields of an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phift.kinds.shared.fields import TAGS, Field, Group
from phift.kinds.shared.online import users_properties

__all__ = ["ADDED", "TABLE"]

_WORDS = {
    "amltoken": "aml_token",
    "aadtoken": "aad_token",
    "systemassigned": "system_assigned",
    "userassigned": "user_assigned",
}


def _word(text: str | None) -> str | None:
    """Key -> key, AMLToken -> aml_token, AADToken -> aad_token, SystemAssigned -> system_assigned."""
    return _WORDS.get(text.lower(), text.lower()) if text else None


def _identity(values: Mapping[str, Any]) -> Any:
    from azure.ai.ml.entities import IdentityConfiguration, ManagedIdentityConfiguration

    users = [ManagedIdentityConfiguration(resource_id=one) for one in values.get("user_assigned_identities") or ()]
    return IdentityConfiguration(type=values["type"], user_assigned_identities=users or None)


TABLE = (
    Field("auth_mode", "properties.authMode", _word),
    Field("public_network_access", "properties.publicNetworkAccess", _word),
    Group(
        "identity",
        "identity",
        (
            Field("type", "type", _word),
            Field("user_assigned_identities", "userAssignedIdentities", lambda value: sorted(value or ())),
        ),
        _identity,
    ),
    Field("properties", "properties.properties", users_properties, build=None),
    Field("description", "properties.description"),
    TAGS,
)

ADDED = frozenset({"properties"})
"""See phift.state.live.Live.added."""
