"""The GPUs of Azure's VM sizes: their memory and speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from phift.catalog.files import read_facts

__all__ = ["Gpu", "gpu", "gpus"]


@dataclass(frozen=True)
class Gpu:
    """A GPU. memory_gib: of the card in GiB. bf16: whether it computes in bfloat16.

    peak_16, peak_32: its peak in TFLOP/s for 16 and 32 bit; None if phift does not know its speed. used_16, used_32:
    the share of the peak that fine-tuning typically reaches; `assumed` names those without a measurement.
    """

    name: str
    memory_gib: float
    bf16: bool = False
    peak_16: float | None = None
    used_16: float = 0.0
    peak_32: float | None = None
    used_32: float = 0.0
    assumed: tuple[str, ...] = ()


@cache
def gpus() -> Mapping[str, Gpu]:
    """Return all known GPUs by the name that VmSize.gpu uses."""
    facts = read_facts("gpus.yaml")
    return MappingProxyType(
        {
            name: Gpu(name=name, **{**fields, "assumed": tuple(fields.get("assumed", ()))})
            for name, fields in facts.items()
        }
    )


def gpu(name: str) -> Gpu | None:
    """Return the GPU of that name, or None if it is not in the catalogue."""
    return gpus().get(name)
