"""The VM sizes of the region. The facts are the emulator's own: phift's must not agree with them by being the same."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType

__all__ = ["Family", "Size", "families", "family_of", "size_named", "sizes"]

_RESERVE = 1.2
"""What a managed online deployment holds, over its instances, so that the service can update it (Azure docs)."""


@dataclass(frozen=True)
class Family:
    """A VM family. name: as vmSizes writes it; label: as usages and refusals write it (they differ)."""

    name: str
    label: str


@dataclass(frozen=True)
class Size:
    """A VM size. gpus: a node, 0 for CPU sizes. serving_reserve: whether deployments hold a fifth more than their
    instances. retired: the first day on which it is not offered any more."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int
    family: Family
    serving_reserve: bool = True
    retired: date | None = None

    def offered(self, now: datetime) -> bool:
        """Whether it can be created at a time of the service's clock. Azure's days are those of UTC."""
        return self.retired is None or now.date() < self.retired

    def serving_cores(self, instances: int) -> int:
        """The vCPUs that a managed online deployment holds of the quota: in whole instances."""
        factor = _RESERVE if self.serving_reserve else 1.0
        return math.ceil(round(factor * instances, 6)) * self.vcpus


@cache
def sizes() -> Mapping[str, Size]:
    """All known sizes by name, retired ones too, in catalogue order."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    facts = yaml.load(Path(__file__).with_name("sizes.yaml").read_bytes(), loader)
    return MappingProxyType(
        {name: Size(name=name, **{**each, "family": _family(each["family"])}) for name, each in facts.items()}
    )


@cache
def _by_lower_name() -> dict[str, Size]:
    return {name.lower(): size for name, size in sizes().items()}


def size_named(name: str) -> Size | None:
    """The size of that name, case-insensitive, or None."""
    return _by_lower_name().get(name.lower())


def family_of(name: str) -> Family:
    """The family of a size; an unknown size is a family of its own."""
    known = size_named(name)
    return known.family if known else _family(name.removeprefix("Standard_"))


def families() -> list[Family]:
    """The families of all known sizes, in catalogue order, once each."""
    return list(dict.fromkeys(size.family for size in sizes().values()))


def _family(stem: str) -> Family:
    return Family(f"standard{stem}Family", f"Standard {stem} Family")
