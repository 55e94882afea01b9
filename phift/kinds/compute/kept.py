"""What an update of a cluster must repeat: a PUT replaces the document, and these fields may be set by others."""

from __future__ import annotations

from typing import Any

from phift.compile.draft import drop_none
from phift.kinds.compute.parts import ComputeParts
from phift.state.desired import Desired
from phift.state.live import Live

__all__ = ["kept_of"]

_NO_IDENTITY = {"type": "None"}


def kept_of(desired: Desired[ComputeParts], live: Live) -> dict[str, Any]:
    """Return the part of the body that keeps what the cluster has and the spec does not determine."""
    outer = live.raw.get("properties") or {}
    inner = outer.get("properties") or {}
    network, ssh = (desired.properties.get(name) or {} for name in ("network", "ssh"))
    login, credentials = inner.get("remoteLoginPortPublicAccess"), inner.get("userAccountCredentials")
    kept: dict[str, Any] = drop_none(
        {
            "subnet": None if "subnet" in network else inner.get("subnet"),
            "enableNodePublicIp": None if "enable_node_public_ip" in network else inner.get("enableNodePublicIp"),
            "remoteLoginPortPublicAccess": None if "public_access_enabled" in ssh else login,
            "userAccountCredentials": None if "admin_username" in ssh or not credentials else drop_none(credentials),
            "vmPriority": inner.get("vmPriority") if desired.parts.tier else None,
        }
    )
    body: dict[str, Any] = {"properties": {"properties": kept}}
    if "userAccountCredentials" in kept:
        body["properties"]["disableLocalAuth"] = bool(outer.get("disableLocalAuth"))
    if "location" not in desired.properties and live.raw.get("location"):
        body["location"] = live.raw["location"]
    if identity := _identity(desired, live):
        body["identity"] = identity
    return body


def _identity(desired: Desired[ComputeParts], live: Live) -> dict[str, Any] | None:
    found = live.raw.get("identity")
    if "identity" in desired.properties or not found:
        return None
    if any(path.startswith("identity.") for path in desired.restored):
        return dict(_NO_IDENTITY)
    users: dict[str, Any] = {one: {} for one in found.get("userAssignedIdentities") or ()}
    return {"type": found.get("type"), **({"userAssignedIdentities": users} if users else {})}
