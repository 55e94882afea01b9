"""The VM sizes that the model catalogue and Azure's examples name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from phift.catalog.files import read_facts

__all__ = ["VmSize", "spelled", "vm_size", "vm_sizes"]


@dataclass(frozen=True)
class VmSize:
    """A VM size. gpus: GPUs a node, 0 for CPU sizes; gpu: their kind; retired: the day the series was."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int
    gpu: str = ""
    low_priority: bool = True
    retired: date | None = None


@cache
def vm_sizes() -> Mapping[str, VmSize]:
    """All known sizes by name, in catalogue order."""
    facts = read_facts("vm_sizes.yaml")
    return MappingProxyType({name: VmSize(name=name, **fields) for name, fields in facts.items()})


@cache
def _by_lower_name() -> dict[str, VmSize]:
    return {name.lower(): size for name, size in vm_sizes().items()}


def spelled(name: str) -> str:
    """The one spelling of a size that digests and comparisons use: the catalogue's, else lower case."""
    known = vm_size(name)
    return known.name if known else name.lower()


def vm_size(name: str) -> VmSize | None:
    """The size of that name, case-insensitive as Azure compares them; None: the catalogue lacks it."""
    return _by_lower_name().get(name.lower())
