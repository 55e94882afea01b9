"""The fine-tunable text models of the public `azureml` registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any

from phift.catalog.files import names_in, read_facts

__all__ = ["CatalogModel", "model", "models"]


@dataclass(frozen=True)
class CatalogModel:
    """The latest version of a registry model, as of the catalogue's date.

    tags and system_metadata are copied from the registry. Compute allow-lists, SKU and lifecycle facts are system
    metadata since mid 2026; before, the lists were the tags finetune_compute_allow_list and
    inference_compute_allow_list.
    """

    name: str
    version: str
    archived: bool
    license: str
    finetune_tasks: tuple[str, ...]
    inference_tasks: tuple[str, ...]
    context_window: int | None
    tags: Mapping[str, Any]
    system_metadata: Mapping[str, Any]

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The tag model_specific_defaults: fine-tune parameters recommended by the model's publisher, raw."""
        defaults: Mapping[str, Any] = self.tags.get("model_specific_defaults", {})
        return defaults

    @property
    def finetune_computes(self) -> tuple[str, ...]:
        """VM sizes allowed for fine-tuning; empty if the registry has no list."""
        return self._computes("finetuneComputes")

    @property
    def inference_computes(self) -> tuple[str, ...]:
        """VM sizes allowed for online serving; empty if the registry has no list."""
        return self._computes("inferenceComputes")

    @property
    def finetune_retirement(self) -> date | None:
        """The day on which fine-tuning of this model ends."""
        return self._day("finetuneRetirementDate")

    @property
    def inference_retirement(self) -> date | None:
        """The day on which serving of this model ends."""
        return self._day("inferenceRetirementDate")

    def _computes(self, key: str) -> tuple[str, ...]:
        return tuple(self.system_metadata.get("supportedComputes", {}).get(key, ()))

    def _day(self, key: str) -> date | None:
        text = self.system_metadata.get("deprecation", {}).get(key)
        return date.fromisoformat(text[:10]) if text else None


@cache
def _load(name: str) -> CatalogModel:
    facts = read_facts(f"models/{name}.yaml")
    return CatalogModel(
        **{
            **facts,
            "finetune_tasks": tuple(facts["finetune_tasks"]),
            "inference_tasks": tuple(facts["inference_tasks"]),
            "tags": MappingProxyType(facts["tags"]),
            "system_metadata": MappingProxyType(facts["system_metadata"]),
        }
    )


def models() -> Mapping[str, CatalogModel]:
    """Return all models by name, sorted. Parses every file: for a single one, use model()."""
    return MappingProxyType({name: _load(name) for name in names_in("models").values()})


def model(name: str) -> CatalogModel | None:
    """Return the model of that name (case-insensitive), or None if it is not in the catalogue."""
    found = names_in("models").get(name.lower())
    return _load(found) if found else None
