"""The facts that compiling needs, as plain values: base model, component, VM sizes, data.

phift.azure.facts reads the documents; what they mean is decided here, so that it can be tested without a service.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from phift import catalog
from phift.address import Address
from phift.catalog import ComponentInterface
from phift.folders import Folder
from phift.spec.references import AssetRef

__all__ = [
    "LOW_PRIORITY",
    "REGION",
    "AllowList",
    "BaseModel",
    "Component",
    "Consumer",
    "DataFacts",
    "Facts",
    "ImportedNames",
    "ParameterFile",
    "Size",
    "Task",
    "Usage",
    "Weights",
    "pool_of",
]

Task = str
"""The task of a VM size allow-list: "finetune" or "inference"."""

_OLDEST_GPU_SIZES = ("Standard_NC6", "Standard_NC12", "Standard_NC24", "Standard_NC24r")
"""K80 sizes: the only ones that Azure's sample rejects if a model does not publish an allow-list."""


REGION, LOW_PRIORITY = "dedicated", "low priority"
"""Pools of vCPUs in addition to those of the VM families: all dedicated and all low-priority vCPUs of the region."""

_POOLS = {"dedicatedcores": REGION, "lowprioritycores": LOW_PRIORITY}
_DEDICATED = "clusterdedicatedvcpus"


@dataclass(frozen=True)
class AllowList:
    """The VM sizes that a model accepts for a task, and the origin of the list.

    origin: "system metadata", "tags", "catalogue", or "" if no list is published. sizes: empty if unknown.
    """

    sizes: tuple[str, ...] = ()
    origin: str = ""

    @property
    def known(self) -> bool:
        return bool(self.origin)

    def admits(self, size: str) -> bool:
        """Return whether a size (case-insensitive) is allowed. Without a list, all but the four K80 sizes are."""
        if self.known:
            return size.lower() in {s.lower() for s in self.sizes}
        return size.lower() not in {s.lower() for s in _OLDEST_GPU_SIZES}


@dataclass(frozen=True)
class ParameterFile:
    """A local file that is an input of the component. digest: SHA-256 of its content, 64 hex digits. size: in bytes."""

    path: Path
    digest: str
    size: int


@dataclass(frozen=True)
class Weights:
    """A base model that is not registered. input: of the component. literal: its value, for a model of the hub.

    type: of the input, for a folder. digest: of the content of the folder, 16 hex digits or more. files: by relative
    path. missing: the folder, if it does not exist on this machine and its content is known from the lock file only.
    """

    input: str
    type: str = ""
    literal: str = ""
    digest: str = ""
    files: Mapping[str, ParameterFile] = field(default_factory=dict, repr=False)
    missing: str = ""


@dataclass(frozen=True)
class BaseModel:
    """The facts of a base model. weights: of one that is not registered; its id contains the commit or the content.
    defaults: its recommended fine-tune parameters, unparsed.

    stand_in: the emulator has a tiny model instead of its weights. no_weights: the emulator has neither. untrained:
    what the tiny model answers before a fine-tune, and learns: the parameters with which it learns; empty if unknown.
    """

    id: str
    registry: str
    name: str
    version: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    finetune: AllowList = AllowList()
    inference: AllowList = AllowList()
    finetune_retirement: date | None = None
    inference_retirement: date | None = None
    stand_in: bool = False
    no_weights: bool = False
    untrained: str = ""
    learns: str = ""
    weights: Weights | None = None

    def allow_list(self, task: Task) -> AllowList:
        return self.finetune if task == "finetune" else self.inference

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, registry: str, name: str) -> BaseModel:
        """Read a REST document of a model version: system metadata, then tags, then the catalogue."""
        properties = document.get("properties") or {}
        tags = properties.get("tags") or {}
        metadata = properties.get("systemMetadata") or {}
        version = str(document.get("name", ""))
        listed = catalog.model(name) if registry else None
        lifecycle = metadata.get("deprecation") or (listed.system_metadata.get("deprecation", {}) if listed else {})
        return cls(
            id=str(document.get("id", "")),
            registry=registry,
            name=name,
            version=version,
            defaults=_mapping(tags.get("model_specific_defaults")),
            finetune=_allow_list("finetune", metadata, tags, listed),
            inference=_allow_list("inference", metadata, tags, listed),
            finetune_retirement=_day(lifecycle.get("finetuneRetirementDate")),
            inference_retirement=_day(lifecycle.get("inferenceRetirementDate")),
            stand_in=str(tags.get("phift.stand_in", "")).lower() == "true",
            no_weights=str(tags.get("phift.no_weights", "")).lower() == "true",
            untrained=str(tags.get("phift.stand_in.untrained", "")),
            learns=str(tags.get("phift.stand_in.learns", "")),
        )


@dataclass(frozen=True)
class Component:
    """A pipeline component. document: its REST document, from which the job is built."""

    id: str
    registry: str
    name: str
    version: str
    interface: ComponentInterface
    document: Mapping[str, Any] = field(repr=False, default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, registry: str, name: str) -> Component:
        """Read a REST document of a component version. It must have a complete componentSpec."""
        spec = (document.get("properties") or {}).get("componentSpec") or {}
        return cls(
            id=str(document.get("id", "")),
            registry=registry,
            name=name,
            version=str(document.get("name", "")),
            interface=ComponentInterface.from_spec(spec),
            document=document,
        )


@dataclass(frozen=True)
class Size:
    """A VM size in the region of the workspace. computes: where it can be used (AmlCompute, ComputeInstance, MIR).

    estimated: the prices that the service estimates, unparsed (see phift.cost.prices). low_priority: whether clusters
    can have low-priority nodes of it.
    """

    name: str
    vcpus: int
    gpus: int
    family: str = ""
    computes: tuple[str, ...] = ()
    estimated: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    low_priority: bool = True

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Size:
        return cls(
            name=str(document["name"]),
            vcpus=int(document.get("vCPUs") or 0),
            gpus=int(document.get("gpus") or 0),
            family=str(document.get("family") or ""),
            computes=tuple(document.get("supportedComputeTypes") or ()),
            estimated=document.get("estimatedVMPrices") or {},
            low_priority=document.get("lowPriorityCapable") is not False,
        )


def pool_of(family: str) -> str:
    """Return the quota pool of a VM family, whose spelling differs (standardNCSv3Family, Standard NCSv3 Family)."""
    return re.sub(r"[^a-z0-9]", "", family.lower()).removesuffix(_DEDICATED)


@dataclass(frozen=True)
class Usage:
    """The quota usage of a pool in vCPUs. name: as the service shows it. limit: -1 if unlimited."""

    pool: str
    name: str
    used: int
    limit: int

    @property
    def unlimited(self) -> bool:
        return self.limit < 0

    @property
    def free(self) -> int:
        return max(0, self.limit - self.used)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Usage | None:
        """Read a row of the usages.

        Return None for rows of other units, or of single workspaces or clusters (Azure docs).
        """
        name = document.get("name") or {}
        label = str(name.get("localizedValue") or name.get("value") or "")
        kind = str(document.get("type") or "").lower().split("/")
        if len(kind) != 3 or kind[2] != "usages":
            return None
        pool = pool_of(label) if kind[1] == "vmfamily" else _POOLS.get(kind[1], "")
        if not pool or "lowpriority" in pool:
            return None
        return cls(pool, label, int(document.get("currentValue") or 0), int(document.get("limit") or 0))


@dataclass(frozen=True)
class Consumer:
    """An object of the workspace that uses vCPUs. name: with its kind. count: nodes or instances."""

    name: str
    size: str
    count: int
    low_priority: bool = False


@dataclass(frozen=True)
class DataFacts:
    """The facts of a split. version: 12 hex digits of its recipe. recipe: how to prepare its rows (see
    phift.data.Recipe). size: of the source in bytes. shown: further values shown in the plan. checked: the pin of its
    data checks, as in the lock file. rows, longest: the rows
    and the tokens of the longest one, as pinned by the data checks; None if they have not run."""

    split: str
    version: str
    recipe: Any = None
    size: int = 0
    shown: Mapping[str, Any] = field(default_factory=dict)
    checked: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    longest: int | None = None


@dataclass(frozen=True)
class ImportedNames:
    """The names of a deployment and of its autoscale setting ("" for none) that phift did not choose. digest: of the
    deployment that they belong to."""

    deployment: str
    digest: str
    setting: str = ""


@dataclass(frozen=True)
class Facts:
    """All facts of a compilation. arm_id: of the workspace. sizes: by lower-case name. today: the date of the service,
    in UTC, with which retirements are compared."""

    arm_id: str
    location: str
    base_model: BaseModel | None = None
    component: Component | None = None
    sizes: Mapping[str, Size] = field(default_factory=dict)
    data: Mapping[str, DataFacts] = field(default_factory=dict)
    files: Mapping[str, ParameterFile] = field(default_factory=dict)
    """The files that parameters name, by input of the component."""
    referenced_size: str = ""
    """The VM size of the compute that the spec refers to; empty if the spec defines one."""
    neutral: frozenset[str] = frozenset()
    """Parameters without influence on the result of the training; not part of the digest of the job."""
    kept_names: Mapping[Address, str] = field(default_factory=dict)
    """Existing names of the resources of a renamed stack, which are kept."""
    imported: ImportedNames | None = None
    """The names of an imported deployment, see phift.lock.PinnedDeployment."""
    folders: Mapping[str, Folder] = field(default_factory=dict, repr=False)
    """Local files and folders to upload, by path in the spec; without those that are not available to a command that
    does not create anything."""
    environment: AssetRef | None = None
    """The pinned environment that the deployment refers to."""
    environment_as_written: bool = False
    """Whether the digest of the deployment contains the reference as written. See phift.lock.PinnedAsset."""
    served: AssetRef | None = None
    """The pinned model that a spec without training serves."""
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def size(self, name: str) -> Size | None:
        """Return the VM size of a name (case-insensitive), from the workspace or from the catalogue."""
        if found := self.sizes.get(name.lower()):
            return found
        listed = catalog.vm_size(name)
        return Size(listed.name, listed.vcpus, listed.gpus) if listed else None


def _allow_list(task: Task, metadata: Mapping[str, Any], tags: Mapping[str, Any], listed: Any) -> AllowList:
    computes = (metadata.get("supportedComputes") or {}).get(f"{task}Computes")
    if computes:
        return AllowList(tuple(computes), "system metadata")
    if tagged := _names(tags.get(f"{task}_compute_allow_list")):
        return AllowList(tagged, "tags")
    known = (listed.finetune_computes if task == "finetune" else listed.inference_computes) if listed else ()
    return AllowList(known, "catalogue") if known else AllowList()


def _names(value: Any) -> tuple[str, ...]:
    """Read a tag that contains a list, or the text of a Python or JSON list."""
    value = _literal(value)
    return tuple(str(v) for v in value) if isinstance(value, list | tuple) else ()


def _mapping(value: Any) -> dict[str, Any]:
    value = _literal(value)
    return dict(value) if isinstance(value, Mapping) else {}


def _literal(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return None


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10]) if text else None
    except ValueError:
        return None
