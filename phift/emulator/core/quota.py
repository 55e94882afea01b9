"""vCPU limits and what is in use of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from phift.emulator.core.sizes import Size, families, family_of, size_named
from phift.emulator.core.store import Store

__all__ = ["LOW_PRIORITY", "TOTAL", "Quota", "Use"]

TOTAL = "dedicatedCores"
LOW_PRIORITY = "lowPriorityCores"
_DEFAULT_FAMILY_LIMIT = 192
_DEFAULT_LIMITS = {TOTAL: 1000, LOW_PRIORITY: 500}


@dataclass(frozen=True)
class Use:
    """Instances of a size that hold quota now. serving: of a managed online deployment, which may hold a reserve."""

    size: str
    instances: int
    low_priority: bool = False
    serving: bool = False

    @property
    def cores(self) -> int:
        """vCPUs held; 0 for an unknown size."""
        known = size_named(self.size)
        if known is None:
            return 0
        return known.serving_cores(self.instances) if self.serving else self.instances * known.vcpus


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
        """vCPUs in use in the region by family name, and for TOTAL and LOW_PRIORITY."""
        return self._sum(self._peers())

    def own(self) -> dict[str, int]:
        """As `used`, of this workspace alone."""
        return self._sum((self,))

    @staticmethod
    def _sum(quotas: Iterable[Quota]) -> dict[str, int]:
        result: dict[str, int] = {TOTAL: 0, LOW_PRIORITY: 0}
        for use in (use for quota in quotas for consumer in quota.consumers for use in consumer()):
            if use.low_priority:
                result[LOW_PRIORITY] += use.cores
            else:
                name = family_of(use.size).name
                result[name] = result.get(name, 0) + use.cores
                result[TOTAL] += use.cores
        return result

    def free(self, size: Size, *, low_priority: bool) -> int:
        """vCPUs that are left for a size: of the low-priority pool, or of its family and the regional total."""
        limits, used = self.limits(), self.used()
        if low_priority:
            return limits[LOW_PRIORITY] - used[LOW_PRIORITY]
        family = family_of(size.name).name
        return min(limits.get(family, _DEFAULT_FAMILY_LIMIT) - used.get(family, 0), limits[TOTAL] - used[TOTAL])

    def limit(self, size: Size, *, low_priority: bool) -> int:
        """The vCPU limit that refusals name for a size."""
        limits = self.limits()
        return limits[LOW_PRIORITY] if low_priority else limits.get(family_of(size.name).name, _DEFAULT_FAMILY_LIMIT)
