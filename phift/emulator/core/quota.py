"""VM families, vCPU limits and what is in use of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from phift.catalog.vm_sizes import VmSize, vm_size, vm_sizes
from phift.emulator.core.store import Store

__all__ = ["LOW_PRIORITY", "TOTAL", "Family", "Quota", "Use", "families", "family_of"]

TOTAL = "dedicatedCores"
LOW_PRIORITY = "lowPriorityCores"
_DEFAULT_FAMILY_LIMIT = 192
_DEFAULT_LIMITS = {TOTAL: 1000, LOW_PRIORITY: 500}


@dataclass(frozen=True)
class Family:
    """A VM family. name: as vmSizes writes it; label: as usages and refusals write it (they differ)."""

    name: str
    label: str


_FAMILIES = {
    "NCADSA100v4": ("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4", "Standard_NC96ads_A100_v4"),
    "NDASv4_A100": ("Standard_ND96asr_v4",),
    "NDAMSv4_A100": ("Standard_ND96amsr_A100_v4",),
    "NCadsH100v5": ("Standard_NC40ads_H100_v5", "Standard_NC80adis_H100_v5"),
    "NDSH100v5": ("Standard_ND96isr_H100_v5",),
    "NDSv2": ("Standard_ND40rs_v2",),
    "NCSv3": ("Standard_NC6s_v3", "Standard_NC12s_v3", "Standard_NC24s_v3", "Standard_NC24rs_v3"),
    "NCASv3_T4": (
        "Standard_NC4as_T4_v3",
        "Standard_NC8as_T4_v3",
        "Standard_NC16as_T4_v3",
        "Standard_NC64as_T4_v3",
    ),
    "NC": ("Standard_NC6", "Standard_NC12", "Standard_NC24", "Standard_NC24r"),
    "Dv2": ("Standard_D2_v2", "Standard_D3_v2", "Standard_D12_v2"),
    "DSv2": (
        "Standard_DS2_v2",
        "Standard_DS3_v2",
        "Standard_DS4_v2",
        "Standard_DS5_v2",
        "Standard_DS11_v2",
        "Standard_DS12_v2",
        "Standard_DS13_v2",
    ),
    "DSv3": ("Standard_D2s_v3", "Standard_D4s_v3", "Standard_D8s_v3", "Standard_D16s_v3"),
    "DASv4": ("Standard_D2as_v4", "Standard_D4as_v4"),
    "ESv3": (
        "Standard_E2s_v3",
        "Standard_E4s_v3",
        "Standard_E8s_v3",
        "Standard_E16s_v3",
        "Standard_E32s_v3",
        "Standard_E48s_v3",
        "Standard_E64s_v3",
    ),
    "FSv2": (
        "Standard_F2s_v2",
        "Standard_F4s_v2",
        "Standard_F8s_v2",
        "Standard_F16s_v2",
        "Standard_F32s_v2",
        "Standard_F72s_v2",
    ),
}
_BY_SIZE = {
    size.lower(): Family(f"standard{stem}Family", f"Standard {stem} Family")
    for stem, sizes in _FAMILIES.items()
    for size in sizes
}


def family_of(size: str) -> Family:
    """The family of a size the catalogue knows; a size without one is a family of its own."""
    stem = size.removeprefix("Standard_")
    return _BY_SIZE.get(size.lower()) or Family(f"standard{stem}Family", f"Standard {stem} Family")


def families() -> list[Family]:
    """The families of all known sizes, in catalogue order, once each."""
    return list(dict.fromkeys(family_of(name) for name in vm_sizes()))


@dataclass(frozen=True)
class Use:
    """Instances of a size that hold quota now. cores_factor: what the service reserves beyond them, e.g. 1.2."""

    size: str
    instances: int
    low_priority: bool = False
    cores_factor: float = 1.0

    @property
    def cores(self) -> int:
        """vCPUs held; 0 for a size the catalogue lacks."""
        known = vm_size(self.size)
        return math.ceil(round(self.instances * self.cores_factor, 6)) * (known.vcpus if known else 0)


class Quota:
    """A region's limits, kept in the home's store, and the sum of what consumers say they use.

    Each workspace has one, to which its services add their consumers; all of a region count together. region: its name,
    "" for the region of the home's own workspace. peers: those of all workspaces of the region, this one included.
    """

    def __init__(self, store: Store, region: str = "", peers: Callable[[], Iterable[Quota]] | None = None) -> None:
        self._store = store.home
        self._key = ("limits", region) if region else ("limits",)
        self._peers = peers or (lambda: (self,))
        self.consumers: list[Callable[[], Iterable[Use]]] = []

    def limits(self) -> dict[str, int]:
        """vCPUs by family name, and for TOTAL and LOW_PRIORITY."""
        defaults = dict.fromkeys((family.name for family in families()), _DEFAULT_FAMILY_LIMIT)
        return {**defaults, **_DEFAULT_LIMITS, **(self._store.get("quota", *self._key) or {})}

    def set_limit(self, name: str, vcpus: int) -> None:
        changed = {**(self._store.get("quota", *self._key) or {}), name: vcpus}
        self._store.put("quota", *self._key, body=changed)

    def used(self) -> dict[str, int]:
        """vCPUs in use by family name, and for TOTAL and LOW_PRIORITY."""
        result: dict[str, int] = {TOTAL: 0, LOW_PRIORITY: 0}
        for use in (use for quota in self._peers() for consumer in quota.consumers for use in consumer()):
            if use.low_priority:
                result[LOW_PRIORITY] += use.cores
            else:
                name = family_of(use.size).name
                result[name] = result.get(name, 0) + use.cores
                result[TOTAL] += use.cores
        return result

    def free(self, size: VmSize, *, low_priority: bool) -> int:
        """vCPUs that are left for a size: of the low-priority pool, or of its family and the regional total."""
        limits, used = self.limits(), self.used()
        if low_priority:
            return limits[LOW_PRIORITY] - used[LOW_PRIORITY]
        family = family_of(size.name).name
        return min(limits.get(family, _DEFAULT_FAMILY_LIMIT) - used.get(family, 0), limits[TOTAL] - used[TOTAL])

    def limit(self, size: VmSize, *, low_priority: bool) -> int:
        """The vCPU limit that refusals name for a size."""
        limits = self.limits()
        return limits[LOW_PRIORITY] if low_priority else limits.get(family_of(size.name).name, _DEFAULT_FAMILY_LIMIT)
