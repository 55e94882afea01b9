"""The managed identity of a cluster."""

from __future__ import annotations

import re
import uuid
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.services.emulator import Emulator

__all__ = ["identity_of"]

_TYPES = ("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")
_USER = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+",
    re.IGNORECASE,
)


def identity_of(emulator: Emulator, asked: Any, old: dict[str, Any] | None) -> dict[str, Any] | None:
    """The stored identity of a cluster; None for none. old: of the cluster that lives.

    A system identity gets a principal at creation and keeps it; a re-created cluster gets another. Raises ServiceError
    400 for an unknown type, and for user-assigned identities that are missing or not named by their ids.
    """
    if not asked:
        # (assumed: cluster_identity_is_kept)
        return old if holds(emulator.store, "cluster_identity_is_kept") else None
    kind = next((each for each in _TYPES if each.lower() == str(asked.get("type")).replace(" ", "").lower()), None)
    users = asked.get("userAssignedIdentities") or {}
    if kind is None:
        raise _invalid(f"The identity type '{asked.get('type')}' is invalid.")
    if "UserAssigned" in kind.split(",") and not users:
        raise _invalid("An identity of type UserAssigned needs userAssignedIdentities.")
    if wrong := next((each for each in users if not _USER.fullmatch(str(each))), None):
        raise _invalid(f"'{wrong}' is not the id of a user-assigned identity.")
    if kind == "None":
        return None
    stored: dict[str, Any] = {"type": kind, "tenantId": emulator.workspace.tenant_id}
    if "SystemAssigned" in kind.split(","):
        stored["principalId"] = (old or {}).get("principalId") or str(uuid.uuid4())
    if "UserAssigned" in kind.split(","):
        stored["userAssignedIdentities"] = {each: _user(str(each)) for each in users}
    return stored


def _user(identifier: str) -> dict[str, str]:
    """The ids of a user-assigned identity, which are the same wherever it is used."""
    name = identifier.lower()
    return {part: str(uuid.uuid5(uuid.NAMESPACE_URL, f"{part}:{name}")) for part in ("principalId", "clientId")}


def _invalid(message: str) -> ServiceError:
    return ServiceError(400, "InvalidPropertyValue", message, target="identity")
