"""What the service accepts of a cluster: its size, its scale, what may change, what fits into the quota."""

from __future__ import annotations

import re
from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.quota import Quota
from phift.emulator.core.sizes import Size, size_named, sizes
from phift.emulator.services.emulator import Emulator

__all__ = [
    "check_credentials",
    "check_network",
    "check_quota",
    "check_scale",
    "credentials_of",
    "size_of",
    "unchanged",
]

_MAX_NODES = 65_000  # of a cluster (Azure docs)
_KEPT = (
    *("vmSize", "vmPriority", "subnet", "enableNodePublicIp", "remoteLoginPortPublicAccess"),
    "userAccountCredentials",
)
"""What a cluster that lives keeps where a request leaves it out."""
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)


def size_of(emulator: Emulator, name: str) -> Size:
    """The size of that name. Raises ServiceError for one that is not offered now."""
    found, now = size_named(name), emulator.clock.now()
    if found is None or not found.offered(now):
        known = ", ".join(size.name for size in sizes().values() if size.offered(now))
        why = f"retired on {found.retired}" if found else "unknown"
        raise ServiceError(
            400,
            "InvalidPropertyValue",
            f"The value '{name}' of property 'vmSize' is invalid ({why}). Supported VM sizes: {known}",
            target="vmSize",
        )
    return found


def check_scale(scale: dict[str, Any]) -> None:
    least, most = scale.get("minNodeCount", 0), scale.get("maxNodeCount", 1)
    numbers = all(isinstance(count, int) and not isinstance(count, bool) for count in (least, most))
    if not (numbers and 0 <= least <= most <= _MAX_NODES):
        message = f"The scale settings are invalid: minNodeCount {least} and maxNodeCount {most}."
        raise ServiceError(400, "InvalidPropertyValue", message, target="scaleSettings")


def unchanged(emulator: Emulator, body: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
    """The inner properties, with what a cluster that lives has where the request leaves it out; raises where it is to
    change what is fixed (assumed: cluster_size_is_fixed)."""
    inner: dict[str, Any] = body["properties"]["properties"]
    if existing is None or existing["properties"]["provisioningState"] == "Failed":
        return inner
    old, kept = existing["properties"]["properties"], dict(inner)
    wanted = _fixed(inner, body)
    before = {"enableNodePublicIp": "True", **{key: value for key, value in _fixed(old, existing).items() if value}}
    changed = [key for key, value in wanted.items() if value and value.casefold() != before.get(key, "").casefold()]
    if changed and holds(emulator.store, "cluster_size_is_fixed"):
        key = changed[0]
        was = before.get(key)
        message = f"The property '{key}' of an existing compute cannot be changed from {was} to {wanted[key]}."
        raise ServiceError(400, "InvalidPropertyValue", message, target=key)
    for key in _KEPT:
        if changed or inner.get(key) in (None, "NotSpecified"):
            kept[key] = old.get(key)
    return kept


def _fixed(inner: dict[str, Any], document: dict[str, Any]) -> dict[str, str]:
    """What cannot change of a cluster, by property, as text; "" where it is not given."""
    user = inner.get("userAccountCredentials") or {}
    public, login = inner.get("enableNodePublicIp"), str(inner.get("remoteLoginPortPublicAccess") or "")
    return {
        "vmSize": str(inner.get("vmSize") or ""),
        "vmPriority": str(inner.get("vmPriority") or ""),
        "subnet": str((inner.get("subnet") or {}).get("id") or ""),
        "enableNodePublicIp": "" if public is None else str(public),
        "remoteLoginPortPublicAccess": "" if login == "NotSpecified" else login,
        "adminUserName": str(user.get("adminUserName") or ""),
        "adminUserSshPublicKey": str(user.get("adminUserSshPublicKey") or ""),
        "location": str(document.get("location") or "").replace(" ", ""),
    }


def check_network(inner: dict[str, Any]) -> None:
    """Raises ServiceError for what is not the id of a subnet. None of it is looked up: there are no networks here."""
    subnet = inner.get("subnet")
    if subnet is not None and not (isinstance(subnet, dict) and _SUBNET.fullmatch(str(subnet.get("id") or ""))):
        raise ServiceError(
            400, "InvalidPropertyValue", "The property 'subnet' must be the id of a subnet.", target="subnet"
        )


def credentials_of(inner: dict[str, Any]) -> dict[str, Any] | None:
    """The stored administrator: a password is never returned. Raises ServiceError for one without name, or
    without password and key."""
    given = inner.get("userAccountCredentials")
    if not given:
        return None
    stored = {
        "adminUserName": given.get("adminUserName"),
        "adminUserPassword": None,
        "adminUserSshPublicKey": given.get("adminUserSshPublicKey"),
    }
    if not stored["adminUserName"]:
        message = "The property 'adminUserName' is required."
        raise ServiceError(400, "InvalidPropertyValue", message, target="adminUserName")
    return stored


def check_credentials(inner: dict[str, Any]) -> None:
    """Raises ServiceError for an administrator of a new cluster without password and key."""
    given = inner.get("userAccountCredentials") or {}
    if given and not (given.get("adminUserPassword") or given.get("adminUserSshPublicKey")):
        message = "Either 'adminUserPassword' or 'adminUserSshPublicKey' is required."
        raise ServiceError(400, "InvalidPropertyValue", message, target="userAccountCredentials")


def check_quota(emulator: Emulator, inner: dict[str, Any], location: str, *, kept: int | None = None) -> None:
    """At least one node must fit into the quota of the cluster's region, also when the cluster starts with none.

    kept: the nodes that a live cluster keeps; an update needs room for more of them only
    (assumed: cluster_update_needs_no_node).
    """
    size = size_of(emulator, inner["vmSize"])
    low = inner["vmPriority"] == "LowPriority"
    least = inner["scaleSettings"]["minNodeCount"]
    lives = kept is not None and holds(emulator.store, "cluster_update_needs_no_node")
    nodes = max(0, least - (kept or 0)) if lives else max(1, least)
    quota = emulator.quota
    if location.casefold() != emulator.workspace.location.casefold():
        home = emulator.cloud.first.workspace.location.casefold()
        region = "" if location.casefold() == home else location
        quota = Quota(emulator.store, region, lambda: (each.quota for each in emulator.cloud.workspaces(location)))
    if not nodes or quota.free(size, low_priority=low) >= nodes * size.vcpus:
        return
    limit = quota.limit(size, low_priority=low)
    pool = "total" if low else size.family.label.replace("Family", "family")
    raise ServiceError(
        400,
        "ClusterMinNodesExceedCoreQuota",
        f"The specified subscription has a {pool} vCPU quota of {limit} and cannot accomodate for at least {nodes} "
        f"requested managed compute nodes which maps to {nodes * size.vcpus} vCPUs.",
    )
