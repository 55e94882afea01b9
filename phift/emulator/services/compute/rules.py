"""What the service accepts of a cluster: its size, its scale, what may change, what fits into the quota."""

from __future__ import annotations

from typing import Any

from phift.emulator.core.assumed import holds
from phift.emulator.core.errors import ServiceError
from phift.emulator.core.sizes import Size, size_named, sizes
from phift.emulator.services.emulator import Emulator

__all__ = ["check_quota", "check_scale", "size_of", "unchanged"]

_MAX_NODES = 65_000  # of a cluster (Azure docs)
_FIXED = ("vmSize", "vmPriority", "subnet")


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


def unchanged(emulator: Emulator, inner: dict[str, Any], existing: dict[str, Any] | None) -> dict[str, Any]:
    """The properties, with size, tier and subnet as a cluster that lives has them; raises where they are to change
    (assumed: cluster_size_is_fixed)."""
    if existing is None or existing["properties"]["provisioningState"] == "Failed":
        return inner
    old, kept = existing["properties"]["properties"], dict(inner)
    for key in _FIXED:
        wanted = inner.get(key)
        if wanted is not None and str(wanted).casefold() != str(old.get(key)).casefold():
            if holds(emulator.store, "cluster_size_is_fixed"):
                message = (
                    f"The property '{key}' of an existing compute cannot be changed from {old.get(key)} to {wanted}."
                )
                raise ServiceError(400, "InvalidPropertyValue", message, target=key)
            kept[key] = old.get(key)
    return kept


def check_quota(emulator: Emulator, inner: dict[str, Any]) -> None:
    """At least one node must fit, also when the cluster starts with none."""
    size = size_of(emulator, inner["vmSize"])
    low = inner["vmPriority"] == "LowPriority"
    nodes = max(1, inner["scaleSettings"]["minNodeCount"])
    if emulator.quota.free(size, low_priority=low) >= nodes * size.vcpus:
        return
    limit = emulator.quota.limit(size, low_priority=low)
    pool = "total" if low else size.family.label.replace("Family", "family")
    raise ServiceError(
        400,
        "ClusterMinNodesExceedCoreQuota",
        f"The specified subscription has a {pool} vCPU quota of {limit} and cannot accomodate for at least {nodes} "
        f"requested managed compute nodes which maps to {nodes * size.vcpus} vCPUs.",
    )
