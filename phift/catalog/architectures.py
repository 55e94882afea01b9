"""The shapes of the catalogue's base models, from which memory and speed follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from phift.catalog.files import read_facts, read_lines

__all__ = ["Architecture", "architecture", "architectures"]

_FILE = "architectures.yaml"


@dataclass(frozen=True)
class Architecture:
    """The shape of a model. model_types: possible `model_type`s of the registry's copy.

    block: kind of layer. layers: encoder and decoder together; encoder_layers: of them, the encoder's, if the model has
    both. ffn: width of the MLP of one expert; experts, chosen: 1 for dense models. parameters: all; active: those that
    a token uses. window: longest input in tokens. adapted: modules that LoRA adapts. source: "computed", or "assumed"
    if `parameters` is not confirmed.
    """

    model_types: tuple[str, ...]
    block: Literal["swiglu", "fused", "gelu"]
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    ffn: int
    vocabulary: int
    parameters: int
    window: int
    adapted: Literal["attention", "query and value", "attention and mlp"]
    attention: Literal["fused", "eager", "disentangled"] = "fused"
    encoder_layers: int = 0
    experts: int = 1
    chosen: int = 1
    active: int = 0
    source: Literal["computed", "assumed"] = "computed"

    @property
    def query(self) -> int:
        """Width of all query heads together."""
        return self.hidden // self.heads * self.heads

    @property
    def key(self) -> int:
        """Width of all key heads together, the same as of all value heads."""
        return self.hidden // self.heads * self.kv_heads

    @property
    def used(self) -> int:
        """Parameters that a token passes through."""
        return self.active or self.parameters


@cache
def architectures() -> Mapping[str, Architecture]:
    """Return the shapes by registry name, sorted. Parses the whole table: for a single one, use architecture()."""
    found: dict[str, Architecture] = {}
    for fields in read_facts(_FILE)["shapes"]:
        found |= _shapes(fields)
    return MappingProxyType(dict(sorted(found.items())))


@cache
def architecture(name: str) -> Architecture | None:
    """Return the shape of the registry model of that name (case-insensitive), or None if it is not known."""
    wanted = name.lower()
    # Each shape is one line: parsing the whole table would take longer than a plan may.
    for fields in read_lines(_FILE, containing=wanted):
        for known, shape in _shapes(fields).items():
            if known.lower() == wanted:
                return shape
    return None


def _shapes(fields: Mapping[str, Any]) -> dict[str, Architecture]:
    """Return the shape of an entry of the table by each of its names."""
    values = {key: value for key, value in fields.items() if key != "models"}
    shape = Architecture(**{**values, "model_types": tuple(fields["model_types"])})
    return dict.fromkeys(fields["models"], shape)
