"""The VM sizes named in the model catalogue and Azure's examples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from phift.catalog.files import read_facts
from phift.diagnostics import nearest

__all__ = ["VmSize", "nearest_size", "spelled", "vm_size", "vm_sizes"]

_PREFIX = "standard_"


@dataclass(frozen=True)
class VmSize:
    """A VM size. gpus: GPUs per node, 0 for CPU sizes; gpu: their model; retired: the series' retirement date.

    serving_reserve: whether the service reserves 20 % more instances for managed online deployments.
    """

    name: str
    vcpus: int
    memory_gib: int
    gpus: int
    gpu: str = ""
    low_priority: bool = True
    serving_reserve: bool = True
    retired: date | None = None


@cache
def vm_sizes() -> Mapping[str, VmSize]:
    """Return all known sizes by name, in catalogue order."""
    facts = read_facts("vm_sizes.yaml")
    return MappingProxyType({name: VmSize(name=name, **fields) for name, fields in facts.items()})


@cache
def _by_lower_name() -> dict[str, VmSize]:
    return {name.lower(): size for name, size in vm_sizes().items()}


def spelled(name: str) -> str:
    """Return the canonical spelling of a size for digests and comparisons: the catalogue's, else lower case."""
    known = vm_size(name)
    return known.name if known else name.lower()


def vm_size(name: str) -> VmSize | None:
    """Return the size of that name, case-insensitive like Azure, or None if it is not in the catalogue."""
    return _by_lower_name().get(name.lower())


def nearest_size(name: str, known: Iterable[str]) -> str:
    """Return the known VM size most similar to a misspelled one, compared case-insensitively and without the prefix of
    all sizes, which makes different names look alike; empty if there is none."""
    by_part = {size.lower().removeprefix(_PREFIX): size for size in known}
    return by_part.get(nearest(name.lower().removeprefix(_PREFIX), by_part, cutoff=0.8), "")
